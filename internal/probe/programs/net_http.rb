require "net/http"

url, token = ARGV
response = Net::HTTP.get_response(URI(url), { "Authorization" => "Bearer #{token}" })
response.value
puts response.body
