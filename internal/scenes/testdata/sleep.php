<?php sleep(600);
