<?php
foreach (["vendor/autoload.php", "GuzzleHttp/autoload.php"] as $autoload) {
    if (stream_resolve_include_path($autoload)) {
        require $autoload;
    }
}
if (!class_exists(GuzzleHttp\Client::class)) {
    exit(77);
}
[, $url, $token] = $argv;
echo (new GuzzleHttp\Client())->get($url, ["headers" => ["Authorization" => "Bearer $token"]])->getBody();
