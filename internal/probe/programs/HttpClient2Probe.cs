using System;
using System.Net.Http;

class HttpClient2Probe {
    static int Main(string[] args) {
        var request = new HttpRequestMessage(HttpMethod.Get, args[0]) { Version = new Version(2, 0) };
        request.Headers.Add("Authorization", "Bearer " + args[1]);
        var response = new HttpClient().SendAsync(request).Result;
        Console.WriteLine(response.Content.ReadAsStringAsync().Result);
        return response.IsSuccessStatusCode ? 0 : 1;
    }
}
