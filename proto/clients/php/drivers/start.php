<?php

/*
 * Starts a driver: `php start.php worker`. Any PHP can read this file, and says so if it is too old for the others.
 */

if (PHP_VERSION_ID < 80100) {
    fwrite(STDERR, 'PHP 8.1 or newer is needed, and this is ' . PHP_VERSION . "\n");
    exit(69);
}

require __DIR__ . '/' . $argv[1] . '.php';
