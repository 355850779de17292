<?php

// Plays the calls of the suite with the client for PHP; README.md of this folder has the protocol.

declare(strict_types=1);

require __DIR__ . '/../../../src/clients/php/PipeForkAs.php';

use PipeForkAs as Pfa;

const PIECE = 64 * 1024;

const OUTCOMES = [
    Pfa\JobFailedException::class => 'failed',
    Pfa\RequestRefusedException::class => 'failed',
    Pfa\ReplyCutShortException::class => 'cut-short',
    Pfa\ProtocolViolationException::class => 'violation',
    Pfa\ConnectionException::class => 'connection',
    Pfa\UntrustedDaemonException::class => 'untrusted',
    Pfa\RequestException::class => 'request',
    Pfa\OutputTooLargeException::class => 'too-much',
    Pfa\InputException::class => 'input',
    Pfa\CancelledException::class => 'cancelled',
    Left::class => 'cancelled',
];

/** Leaves a call out of a callback. */
final class Left extends Exception
{
}

/** Keeps of an output what the answer has of it. */
final class Digest
{
    public int $bytes = 0;

    private string $start = '';

    private HashContext $hash;

    public function __construct(string $bytes = '')
    {
        $this->hash = hash_init('sha256');
        $this->add($bytes);
    }

    public function add(string $piece): void
    {
        hash_update($this->hash, $piece);
        $this->bytes += strlen($piece);
        if (strlen($this->start) < 4096) {
            $this->start .= substr($piece, 0, 4096 - strlen($this->start));
        }
    }

    /** @return array{bytes: int, sha256: string, start: string} */
    public function toAnswer(): array
    {
        return ['bytes' => $this->bytes, 'sha256' => hash_final(hash_copy($this->hash)), 'start' => base64_encode($this->start)];
    }
}

/** @return Generator<string> */
function piecesOf(stdClass $content, bool $fails): Generator
{
    if (isset($content->text)) {
        yield $content->text;
    } elseif (isset($content->base64)) {
        yield base64_decode($content->base64, true);
    } else {
        $block = str_repeat($content->pattern, max(1, intdiv(PIECE, strlen($content->pattern))));
        for ($left = $content->bytes; $left > 0; $left -= strlen($block)) {
            yield $left < strlen($block) ? substr($block, 0, $left) : $block;
        }
    }

    if ($fails) {
        throw new RuntimeException('the source of the input failed');
    }
}

/** @return Generator<string>|null */
function inputOf(stdClass $call): ?Generator
{
    $fails = $call->inputFails ?? false;
    return isset($call->input) || $fails ? piecesOf($call->input ?? (object) ['text' => ''], $fails) : null;
}

/**
 * The members of a call that are arguments of the client by the same name.
 *
 * @return array<string, mixed>
 */
function pick(stdClass $call, string ...$names): array
{
    $arguments = [];
    foreach ($names as $name) {
        if (isset($call->$name)) {
            $arguments[$name] = match ($name) {
                'env' => (array) $call->env,
                'timeout' => (float) $call->timeout,
                default => $call->$name,
            };
        }
    }

    return $arguments;
}

function clientFor(stdClass $call): Pfa\Client
{
    return match ($call->daemonUid ?? null) {
        null => new Pfa\Client($call->socket),
        'any' => new Pfa\Client($call->socket, null),
        default => new Pfa\Client($call->socket, $call->daemonUid),
    };
}

/** @return array<string, mixed> */
function run(stdClass $call): array
{
    $arguments = pick($call, 'user', 'args', 'env', 'timeout', 'limit');
    $result = clientFor($call)->run($call->job, ...$arguments, input: inputOf($call), check: $call->throws ?? false);
    return ended($result) + ['stdout' => (new Digest($result->stdout))->toAnswer(), 'stderr' => (new Digest($result->stderr))->toAnswer()];
}

/**
 * @param array<string, mixed> $answer gets the outputs also where the call fails
 *
 * @return array<string, mixed>
 */
function stream(stdClass $call, array &$answer): array
{
    [$stdout, $stderr, $hasPaused] = [new Digest(), new Digest(), !isset($call->pauseAfter)];
    $take = static function (string $piece) use ($call, $stdout, &$hasPaused): ?bool {
        $stdout->add($piece);
        if (!$hasPaused && $stdout->bytes >= $call->pauseAfter) {
            $hasPaused = true;
            usleep((int) ($call->pause * 1e6));
        }

        if (isset($call->leaveAfter) && $stdout->bytes >= $call->leaveAfter) {
            throw new Left('the program left');
        }

        return isset($call->cancelAfter) && $stdout->bytes >= $call->cancelAfter ? false : null;
    };
    try {
        return ended(clientFor($call)->run(
            $call->job,
            ...pick($call, 'user', 'args', 'env', 'timeout'),
            input: inputOf($call),
            onStdout: $take,
            onStderr: $stderr->add(...),
            check: false,
        ));
    } finally {
        $answer += ['stdout' => $stdout->toAnswer(), 'stderr' => $stderr->toAnswer()];
    }
}

/** @return array<string, mixed> */
function ended(Pfa\Result $result): array
{
    return [
        'code' => $result->code, 'exit' => $result->exit, 'signal' => $result->signal, 'message' => $result->message,
        'error' => $result->error, 'job' => $result->job, 'user' => $result->user, 'uid' => $result->uid,
    ];
}

/** @return array<string, mixed> */
function play(stdClass $call): array
{
    if ($call->call === 'about') {
        return ['client' => 'PipeForkAs.php', 'runtime' => 'PHP ' . PHP_VERSION];
    }

    $answer = ['case' => $call->case, 'outcome' => 'result'];
    try {
        $answer += match ($call->call) {
            'run' => run($call),
            'stream' => stream($call, $answer),
            'list' => ['value' => clientFor($call)->list()],
            'describe' => ['value' => clientFor($call)->describe($call->job)],
            'check' => [
                'value' => clientFor($call)->check($call->job, ...pick($call, 'user', 'args', 'env', 'timeout', 'caller')),
            ],
            'status' => ['value' => clientFor($call)->status()],
            'sign-in' => ['value' => clientFor($call)->signIn($call->user, $call->password)],
            'cancel' => ['value' => clientFor($call)->cancel($call->id)],
        };
    } catch (Pfa\PipeForkAsException | Left $failure) {
        $answer = ['outcome' => OUTCOMES[$failure::class], 'shown' => $failure->getMessage()] + $answer;
        if ($failure instanceof Pfa\JobFailedException || $failure instanceof Pfa\RequestRefusedException) {
            $answer += ended($failure->result) + [
                'stdout' => (new Digest($failure->result->stdout))->toAnswer(),
                'stderr' => (new Digest($failure->result->stderr))->toAnswer(),
            ];
        }
    }

    return $answer;
}

while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, false, 512, JSON_THROW_ON_ERROR);
    fwrite(STDOUT, json_encode(play($call), JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES) . "\n");
}
