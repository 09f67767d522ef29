import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

// Asks each of its arguments by both clients of the JDK, which are as they come.
public class Clients {
    public static void main(String[] urls) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (String url : urls) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
            System.out.println("HttpClient " + client.send(request, HttpResponse.BodyHandlers.ofString()).body());
            HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
            System.out.println("HttpURLConnection " + new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
