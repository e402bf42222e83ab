# pool.rb N: connections to the web server on port 8000, used once and kept for the next time.
require "net/http"
kept = ARGV[0].to_i.times.map { Net::HTTP.start("127.0.0.1", 8000) }
kept.each { |c| c.get("/") }
puts "ready"
$stdout.flush
sleep
