import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;

class UrlConnectionProbe {
    public static void main(String[] args) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(args[0]).openConnection();
        connection.setRequestProperty("Authorization", "Bearer " + args[1]);
        try (InputStream body = connection.getInputStream()) {
            body.transferTo(System.out);
        }
    }
}
