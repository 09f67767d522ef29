open System.Net.Http

let client = new HttpClient()
client.DefaultRequestHeaders.Add("Authorization", "Bearer " + fsi.CommandLineArgs.[2])
let response = client.GetAsync(fsi.CommandLineArgs.[1]).Result
printf "%s" (response.Content.ReadAsStringAsync().Result)
if not response.IsSuccessStatusCode then exit 1
