# What jq makes of each value of a JSON list, in the format of encode.py.
[to_entries[] | .key as $i | .value as $v |
  {uri: ($v | @uri), html: ($v | @html), base64: ($v | @base64), json: ($v | @json),
   text: ($v | @text), tojson: ({k: $v} | tojson | tojson), csv: ([$v] | @csv), sh: ($v | @sh)}
  | to_entries[] | [$i, .key, (.value | @base64), false]]
