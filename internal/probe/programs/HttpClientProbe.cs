using System;
using System.Net.Http;

class HttpClientProbe {
    static int Main(string[] args) {
        var client = new HttpClient();
        client.DefaultRequestHeaders.Add("Authorization", "Bearer " + args[1]);
        var response = client.GetAsync(args[0]).Result;
        Console.WriteLine(response.Content.ReadAsStringAsync().Result);
        return response.IsSuccessStatusCode ? 0 : 1;
    }
}
