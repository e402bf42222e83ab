# leak.rb - ADDRESS PORT: reads to the end and never closes.
require "socket"
server, kept = TCPServer.new(ARGV[1], ARGV[2].to_i), []
loop { kept << server.accept.tap(&:read) }
