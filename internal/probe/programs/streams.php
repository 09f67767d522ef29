<?php
[, $url, $token] = $argv;
$context = stream_context_create(["http" => ["header" => "Authorization: Bearer $token"]]);
$body = file_get_contents($url, false, $context);
if ($body === false) {
    exit(1);
}
echo $body;
