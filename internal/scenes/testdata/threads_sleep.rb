# A thread for each connection, which sleeps in its handler. Ruby sleeps in a lock with a time limit.
require 'socket'
s = TCPServer.new(ARGV[0], ARGV[1].to_i)
loop do
  Thread.new(s.accept) do |c|
    c.readpartial(4096)
    sleep 600
  end
end
