<?php

declare(strict_types=1);

/*
 * Runs the tests: `php tests/run.php [PART OF A NAME]`. Each method `test...` of each class ...Test is one. The class
 * TestCase has the part of PHPUnit's that is used here.
 */

namespace Hubrelay\Tests;

require __DIR__ . '/../autoload.php';

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, __NAMESPACE__ . '\\')) {
        require __DIR__ . '/' . substr($class, strlen(__NAMESPACE__) + 1) . '.php';
    }
});
set_error_handler(static function (int $level, string $text, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false; // by @
    }
    throw new \ErrorException($text, 0, $level, $file, $line);
});

$wanted = $argv[1] ?? '';
$failed = 0;
$count = 0;
foreach (glob(__DIR__ . '/*Test.php') as $file) {
    $class = __NAMESPACE__ . '\\' . basename($file, '.php');
    foreach (get_class_methods($class) as $method) {
        if (!str_starts_with($method, 'test') || !str_contains("$class::$method", $wanted)) {
            continue;
        }
        $count++;
        $test = new $class();
        try {
            $test->$method();
        } catch (\Throwable $error) {
            $failed++;
            echo "FAILED $class::$method\n", $error, "\n\n";
        } finally {
            $test->tearDown();
        }
    }
}
printf("%d tests, %d failed\n", $count, $failed);
exit($failed > 0 || $count === 0 ? 1 : 0);
