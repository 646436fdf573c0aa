<?php

declare(strict_types=1);

/*
 * Loads the classes where there is no Composer: `require 'path/to/autoload.php';`
 */

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Hubrelay\\')) {
        $file = __DIR__ . '/src/' . strtr(substr($class, 9), '\\', '/') . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
