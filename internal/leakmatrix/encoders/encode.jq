# What jq makes of each value that a JSON object lists, in the format of encode.py.
[.values | to_entries[] | .key as $i | .value as $v |
  [["@uri", "text", ($v | @uri)], ["@html", "html", ($v | @html)], ["@base64", "text", ($v | @base64)],
   ["@json", "json", ([$v] | @json)], ["tojson twice", "json", ({key: $v} | tojson | tojson)],
   ["@csv", "text", ([$v, 7] | @csv)], ["@tsv", "text", ([$v, 7] | @tsv)], ["@sh", "text", ($v | @sh)],
   ["@html of @json", "html", ({key: $v} | @json | @html)], ["@uri of @json", "text", ({key: $v} | @json | @uri)],
   ["@json of @uri", "json", ([$v | @uri] | @json)], ["@base64 of @json", "text", ({key: $v} | @json | @base64)]]
  | .[] | [$i, "jq " + .[0], .[1], (.[2] | @base64)]]
