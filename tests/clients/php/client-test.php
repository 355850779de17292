<?php

// What the client for PHP does besides the protocol: forms of input, callbacks, deadlines, the socket, error handlers. The conformance suite
// has the protocol. Needs a daemon at PIPEFORKAS_SOCKET with the jobs of ClientTests.cs, which runs this. Prints one line for each failure;
// the last line is "N passed, N failed".

declare(strict_types=1);

require __DIR__ . '/../../../src/clients/php/PipeForkAs.php';

use PipeForkAs as Pfa;

// Frameworks make exceptions of all warnings.
set_error_handler(static function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line);
});

const FAILING_BYTES = 300_000;

/** Says what is not as it must be. */
final class Wrong extends Exception
{
}

function same(mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        throw new Wrong('expected ' . var_export($expected, true) . ', got ' . substr(var_export($actual, true), 0, 300));
    }
}

/** @param class-string<Throwable> $class */
function throws(string $class, callable $call): Throwable
{
    try {
        $call();
    } catch (Throwable $failure) {
        if ($failure instanceof $class) {
            return $failure;
        }

        throw $failure;
    }

    throw new Wrong("no {$class} was thrown");
}

function client(): Pfa\Client
{
    return new Pfa\Client();
}

function noJob(): void
{
    while (client()->status()['jobs'] !== []) {
        usleep(1000);
    }
}

/** @return resource */
function memory(string $content)
{
    $stream = fopen('php://memory', 'w+b');
    fwrite($stream, $content);
    rewind($stream);
    return $stream;
}

function pieces(string ...$pieces): Generator
{
    yield from $pieces;
}

/** A listening socket in a folder of its own, which is gone afterwards. */
function listening(callable $use): void
{
    $folder = '/tmp/pipeforkas-php-' . bin2hex(random_bytes(8));
    mkdir($folder);
    chmod($folder, 0755);
    $server = stream_socket_server("unix://{$folder}/lies.sock");
    try {
        $use("{$folder}/lies.sock", $folder, $server);
    } finally {
        fclose($server);
        unlink("{$folder}/lies.sock");
        rmdir($folder);
    }
}

$tests = [
    'all forms of input' => static function (): void {
        $program = popen('printf "a\nb\n"', 'r');
        [$near, $far] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        fwrite($far, "a\nb\n");
        fclose($far);
        $file = tmpfile();
        fwrite($file, "a\nb\n");
        rewind($file);
        $aggregate = new class implements IteratorAggregate {
            public function getIterator(): Iterator
            {
                return new ArrayIterator(["a\n", "b\n"]);
            }
        };
        $inputs = [
            'string' => "a\nb\n", 'list' => ["a\n", '', "b\n"], 'generator' => pieces("a\n", "b\n"), 'aggregate' => $aggregate,
            'memory' => memory("a\nb\n"), 'file' => $file, 'program' => $program, 'socket' => $near,
        ];
        foreach ($inputs as $name => $input) {
            same([$name, "a\nb\n"], [$name, client()->run('cat', input: $input)->stdout]);
        }

        // They are the program's to close.
        same(true, is_resource($file) && is_resource($near));
        pclose($program);
        foreach ([null, '', [], pieces(), memory('')] as $input) {
            same('', client()->run('cat', input: $input)->stdout);
        }
    },

    '64 MiB both ways at once, from memory, pieces and a program' => static function (): void {
        $size = 64 * 1024 * 1024;
        $piece = str_repeat('0123456789abcdef', 4096);
        $repeated = (static function () use ($piece): Generator {
            for ($i = 0; $i < 1024; $i++) {
                yield $piece;
            }
        })();
        $program = popen('head -c ' . $size . ' /dev/zero', 'r');
        foreach (['text' => str_repeat('x', $size), 'pieces' => $repeated, 'program' => $program] as $name => $input) {
            $bytes = 0;
            $count = static function (string $piece) use (&$bytes): void {
                $bytes += strlen($piece);
            };
            same('ok', client()->run('cat', input: $input, onStdout: $count)->code);
            same([$name, $size], [$name, $bytes]);
        }

        pclose($program);
    },

    'an input that fails is an error, and the job is cancelled' => static function (): void {
        $failing = (static function (): Generator {
            yield 'half';
            throw new DomainException('no more');
        })();
        $failure = throws(Pfa\InputException::class, static fn () => client()->run('cat', input: $failing));
        same(DomainException::class, $failure->getPrevious()::class);
        throws(Pfa\InputException::class, static fn () => client()->run('cat', input: [7]));
        throws(Pfa\RequestException::class, static fn () => client()->run('cat', input: 7));
        throws(Pfa\InputException::class, static fn () => client()->run('cat', input: fopen('/tmp', 'r')));
        noJob();
    },

    'a job that ends early needs no end of its input' => static function (): void {
        $isClosed = false;
        $endless = (static function () use (&$isClosed): Generator {
            try {
                while (true) {
                    yield str_repeat('x', 10_000);
                }
            } finally {
                $isClosed = true;
            }
        })();
        same(0, client()->run('id', input: $endless)->exit);
        unset($endless);
        same(true, $isClosed);
        [$silent, $far] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        same(0, client()->run('id', input: $silent)->exit);
        fclose($far);
    },

    'a job that fails' => static function (): void {
        $failure = throws(Pfa\JobFailedException::class, static fn () => client()->run('fail-late'));
        same(['failed', 7, null], [$failure->replyCode, $failure->exit, $failure->signal]);
        same(FAILING_BYTES, strlen($failure->result->stdout));
        same(7, client()->run('fail-late', check: false)->exit);
        same(false, client()->run('fail-late', check: false)->isSuccess());
    },

    'callbacks get both outputs, and cancel the job' => static function (): void {
        [$out, $err] = [0, 0];
        $result = client()->run(
            'both',
            onStdout: static function (string $piece) use (&$out): void {
                $out += strlen($piece);
            },
            onStderr: static function (string $piece) use (&$err): void {
                $err += strlen($piece);
            },
        );
        same([8388609, 8388608, ''], [$out, $err, $result->stdout]);
        throws(Pfa\CancelledException::class, static fn () => client()->run('endless-zeros', onStdout: static fn (): bool => false));
        $own = new LogicException('mine');
        same($own, throws(LogicException::class, static fn () => client()->run('endless-zeros', onStdout: static fn () => throw $own)));
        throws(Pfa\OutputTooLargeException::class, static fn () => client()->run('endless-zeros', limit: 1000));
        noJob();
    },

    'a deadline ends a call in which nothing happens, and one in which much happens' => static function (): void {
        [$silent, $far] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        throws(Pfa\CancelledException::class, static fn () => client()->run('cat', input: $silent, deadline: 0.2));
        $quietly = static fn (): bool => true;
        throws(Pfa\CancelledException::class, static fn () => client()->run('endless-zeros', onStdout: $quietly, deadline: 0.2));
        throws(Pfa\RequestException::class, static fn () => client()->run('id', deadline: 0.0));
        fclose($far);
        noJob();
    },

    'a signal does not end a call' => static function (): void {
        if (!function_exists('pcntl_alarm')) {
            return;
        }

        pcntl_async_signals(true);
        $alarms = 0;
        pcntl_signal(SIGALRM, static function () use (&$alarms): void {
            $alarms++;
        });
        pcntl_alarm(1);
        same('ok', client()->run('nap')->code);
        same(1, $alarms);
        pcntl_signal(SIGALRM, SIG_DFL);
    },

    'arguments' => static function (): void {
        same("Grüße\n", client()->run('echo', args: ['text' => 'Grüße'])->stdout);
        same("x\n", client()->run('echo', args: (object) ['text' => 'x'])->stdout);
        same('ok', client()->run('id', args: [])->code);
        throws(Pfa\RequestException::class, static fn () => client()->run('echo', args: ['x']));
        throws(Pfa\RequestException::class, static fn () => client()->run('echo', args: ['text' => "\xff"]));
        throws(Pfa\RequestException::class, static fn () => client()->run('echo', args: ['text' => str_repeat('x', 65_536)]));
        throws(Pfa\RequestException::class, static fn () => client()->run('echo', args: new ArrayIterator([]), env: ['LANG' => 7]));
        throws(Pfa\RequestException::class, static fn () => client()->run('id', timeout: INF));
        throws(Pfa\RequestException::class, static fn () => client()->run('id', timeout: 0.0));
        throws(Pfa\RequestException::class, static fn () => client()->run('id', limit: -1));
    },

    'the socket must be where only root can put one' => static function (): void {
        listening(static function (string $socket, string $folder, $server): void {
            $uid = fileowner($socket);
            foreach ([0777, 01777, 0775, 0757] as $mode) {
                chmod($folder, $mode);
                throws(Pfa\UntrustedDaemonException::class, static fn () => (new Pfa\Client($socket, $uid))->run('id'));
            }

            chmod($folder, 0755);
            throws(Pfa\UntrustedDaemonException::class, static fn () => (new Pfa\Client($socket, 65534))->run('id'));
            $read = [$server];
            $none = null;
            same(0, stream_select($read, $none, $none, 0));
        });
    },

    'paths of a socket' => static function (): void {
        $real = getenv('PIPEFORKAS_SOCKET');
        $folder = '/tmp/pipeforkas-php-' . bin2hex(random_bytes(8));
        mkdir($folder);
        $deep = "{$folder}/" . str_repeat('x', 100);
        symlink(dirname($real), $deep);
        try {
            same('ok', (new Pfa\Client("{$deep}/" . basename($real)))->run('id')->code);
        } finally {
            unlink($deep);
            rmdir($folder);
        }

        $cannot = static fn (string $path): int => throws(
            Pfa\ConnectionException::class,
            static fn () => (new Pfa\Client($path))->run('id'),
        )->errno;
        same([0, 0, 2, 13], [$cannot('/' . str_repeat('x', 200)), $cannot("/tmp/\0x"), $cannot("{$real}.none"), $cannot('/root/x/y')]);
    },

    'text of a daemon is shown escaped' => static function (): void {
        same('a\n\u001b[0m\u202e\U000e0001é', Pfa\Text::escape("a\n\e[0m\u{202e}\u{e0001}é"));
        same("\u{fffd}x", Pfa\Text::escape("\xffx"));
        same(200, strlen(Pfa\Text::excerpt(str_repeat('x', 1000))));
    },
];

$failed = 0;
foreach ($tests as $name => $test) {
    try {
        $test();
    } catch (Throwable $failure) {
        $failed++;
        echo "{$name}: " . $failure::class . ": {$failure->getMessage()} ({$failure->getFile()}:{$failure->getLine()})\n";
        echo $failure->getTraceAsString(), "\n";
    }
}

printf("%d passed, %d failed\n", count($tests) - $failed, $failed);
exit($failed === 0 ? 0 : 1);
