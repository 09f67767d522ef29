using System;
using System.IO;
using System.Net;

class WebRequestProbe {
    static void Main(string[] args) {
        var request = WebRequest.Create(args[0]);
        request.Headers.Add("Authorization", "Bearer " + args[1]);
        using (var reader = new StreamReader(request.GetResponse().GetResponseStream())) {
            Console.WriteLine(reader.ReadToEnd());
        }
    }
}
