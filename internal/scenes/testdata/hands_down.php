<?php // hands_down.php - ADDRESS PORT: starts a program that inherits three connections, and closes its own descriptors.
$server = stream_socket_server("tcp://$argv[2]:$argv[3]");
for ($i = 0; $i < 3; $i++) {
    $connections[] = stream_socket_accept($server, -1);
}
$kept = proc_open(["sleep", "600"], [], $pipes);
array_map("fclose", $connections);
sleep(600);
