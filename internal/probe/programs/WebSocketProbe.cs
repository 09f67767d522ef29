using System;
using System.Net.WebSockets;
using System.Text;
using System.Threading;

class WebSocketProbe {
    static void Main(string[] args) {
        var never = CancellationToken.None;
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + args[1]);
        socket.ConnectAsync(new Uri(args[0].Replace("https:", "wss:")), never).Wait();
        var room = new ArraySegment<byte>(new byte[4096]);
        var message = socket.ReceiveAsync(room, never).Result;
        Console.WriteLine(Encoding.UTF8.GetString(room.Array, 0, message.Count));
        socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", never).Wait();
    }
}
