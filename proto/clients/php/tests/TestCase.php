<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

/**
 * The part of PHPUnit's TestCase that the tests use.
 */
abstract class TestCase
{
    /** @var list<\Closure(): void> */
    private array $cleanUps = [];

    public function cleanUp(\Closure $cleanUp): void
    {
        $this->cleanUps[] = $cleanUp;
    }

    public function tearDown(): void
    {
        while ($this->cleanUps !== []) {
            \array_pop($this->cleanUps)();
        }
    }

    protected static function assertSame(mixed $expected, mixed $actual, string $message = ''): void
    {
        if ($expected !== $actual) {
            self::fail($message, $expected, $actual);
        }
    }

    protected static function assertEquals(mixed $expected, mixed $actual, string $message = ''): void
    {
        if ($expected != $actual) {
            self::fail($message, $expected, $actual);
        }
    }

    protected static function assertTrue(bool $actual, string $message = ''): void
    {
        self::assertSame(true, $actual, $message);
    }

    protected static function assertFalse(bool $actual, string $message = ''): void
    {
        self::assertSame(false, $actual, $message);
    }

    /**
     * @param class-string $class
     */
    protected static function assertInstanceOf(string $class, mixed $actual, string $message = ''): void
    {
        if (!$actual instanceof $class) {
            self::fail($message, $class, $actual);
        }
    }

    /**
     * @template T of \Throwable
     * @param class-string<T> $class
     * @return T
     */
    protected static function assertThrows(string $class, \Closure $code): \Throwable
    {
        try {
            $code();
        } catch (\Throwable $error) {
            if ($error instanceof $class) {
                return $error;
            }
            throw $error;
        }
        self::fail('nothing was thrown', $class, null);
    }

    private static function fail(string $message, mixed $expected, mixed $actual): never
    {
        throw new \AssertionError(\sprintf(
            "%s\nexpected %s\nactual   %s",
            $message,
            \substr(\var_export($expected, true), 0, 500),
            \substr(\var_export($actual, true), 0, 500),
        ));
    }
}
