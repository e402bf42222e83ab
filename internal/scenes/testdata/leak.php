<?php // leak.php - ADDRESS PORT: reads to the end and never closes.
$server = stream_socket_server("tcp://$argv[2]:$argv[3]");
for ($kept = []; $c = stream_socket_accept($server, -1); $kept[] = $c) {
    stream_get_contents($c);
}
