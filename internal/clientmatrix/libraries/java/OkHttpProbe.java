import okhttp3.OkHttpClient;
import okhttp3.Request;

class OkHttpProbe {
    public static void main(String[] args) throws Exception {
        Request request = new Request.Builder().url(args[0]).header("Authorization", "Bearer " + args[1]).build();
        System.out.println(new OkHttpClient().newCall(request).execute().body().string());
        System.exit(0);
    }
}
