# /  answers, /sleep sleeps, /ask waits for an answer of port 9000.
require "socket"
run lambda { |env|
  sleep 600 if env["PATH_INFO"] == "/sleep"
  if env["PATH_INFO"] == "/ask"
    s = TCPSocket.new("127.0.0.1", 9000)
    s.write("question")
    s.read
  end
  [200, {"content-type" => "text/plain"}, ["hello\n"]]
}
