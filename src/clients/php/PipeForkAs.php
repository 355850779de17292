<?php

declare(strict_types=1);

namespace PipeForkAs;

/**
 * Runs registered jobs of pipeforkasd as users. Each call uses one connection.
 *
 *     $client = new \PipeForkAs\Client();
 *     echo $client->run('id', user: 'alice')->stdout;
 */
final class Client
{
    public const DEFAULT_SOCKET = '/run/pipeforkas/pipeforkas.sock';

    /** The most bytes to keep of each output, unless the call says another number: 16 MiB. */
    public const DEFAULT_LIMIT = 16 * 1024 * 1024;

    private const MAX_REQUEST_BYTES = 64 * 1024;

    /** The size of a frame's header: JSON is the first thing in a reply. */
    private const JSON_START = 8;

    /** The path of the daemon's socket. */
    public readonly string $socket;

    /**
     * @param string|null $socket the socket of the daemon. Default: the environment variable PIPEFORKAS_SOCKET, otherwise DEFAULT_SOCKET.
     * @param int|null $daemonUid the uid that the socket must belong to; null for any. Only this uid and root may be able to change the
     *     folders above it. In a user namespace, root outside the namespace has the overflow uid, usually 65534 (user_namespaces(7)).
     */
    public function __construct(?string $socket = null, public readonly ?int $daemonUid = 0)
    {
        $this->socket = ($socket ?? '') !== '' ? $socket : (getenv('PIPEFORKAS_SOCKET') ?: self::DEFAULT_SOCKET);
    }

    /**
     * Runs a job, and returns how it ended.
     *
     * @param string $job the name of the job
     * @param string|int|null $user user to run the job as: a name or a uid. Default: the calling user.
     * @param array<string, mixed>|object|null $args the arguments of the job, whose JSON is an object
     * @param array<string, string> $env environment variables for the job; only those that the job allows
     * @param float|null $timeout the maximum run time of the job in seconds, more than 0; it can only shorten the configured time
     * @param string|resource|iterable<string>|null $input the standard input of the job: a text, a stream, or pieces, for example of a
     *     generator. The client reads it while the job runs, and does not close it.
     * @param (callable(string): mixed)|null $onStdout gets standard output in pieces while the job runs; the result then has none. The job
     *     waits meanwhile. If it returns false, the client cancels the job and throws a CancelledException.
     * @param (callable(string): mixed)|null $onStderr the same for standard error
     * @param bool $check whether a job that does not succeed is an error
     * @param int $limit the most bytes to keep of each output that has no callback
     * @param float|null $deadline after so many seconds the client cancels the job and throws a CancelledException. The daemon does not
     *     matter for it, as it does for $timeout; time in callbacks counts.
     * @param string|null $ticket a ticket of the user, from signIn(), for rules with RequireSignIn
     *
     * @throws JobFailedException the job did not succeed, and $check is true
     * @throws RequestException the request is not valid or longer than 64 KiB; nothing was sent
     * @throws ConnectionException the daemon cannot be reached
     * @throws UntrustedDaemonException somebody other than root can have put the socket there; nothing was sent
     * @throws ReplyCutShortException the connection ended before the end of the reply
     * @throws ProtocolViolationException the reply is not one of this protocol
     * @throws OutputTooLargeException the job wrote more than $limit; the daemon cancels it
     * @throws InputException the input failed; the daemon cancels the job
     * @throws CancelledException a callback returned false, or the deadline has passed
     */
    public function run(
        string $job,
        string|int|null $user = null,
        array|object|null $args = null,
        array $env = [],
        ?float $timeout = null,
        mixed $input = null,
        ?callable $onStdout = null,
        ?callable $onStderr = null,
        bool $check = true,
        int $limit = self::DEFAULT_LIMIT,
        ?float $deadline = null,
        ?string $ticket = null,
    ): Result {
        $request = self::request($job, $user, $args, $env, $timeout, $ticket);
        $result = $this->exchange($request, Input::of($input), $onStdout, $onStderr, $limit, $deadline);
        if ($check && !$result->isSuccess()) {
            throw new JobFailedException($result);
        }

        return $result;
    }

    /**
     * Lists the jobs that the caller may run.
     *
     * @return list<array<string, mixed>> descriptions, as in pipeforkas-protocol(7)
     */
    public function list(): array
    {
        $jobs = $this->ask(['op' => 'list']);
        if (!array_is_list($jobs) || array_filter($jobs, is_array(...)) !== $jobs) {
            throw new ProtocolViolationException(self::JSON_START, 'the reply is not a list of jobs');
        }

        return $jobs;
    }

    /**
     * Describes one job.
     *
     * @return array<string, mixed> its kind, the schema of its arguments, its limits, as in pipeforkas-protocol(7)
     */
    public function describe(string $job): array
    {
        return self::demandObject($this->ask(['op' => 'describe', 'job' => $job]));
    }

    /**
     * Decides whether the daemon would run a request, without running it.
     *
     * @param array<string, mixed>|object|null $args
     * @param array<string, string> $env
     * @param string|int|null $caller for root: the caller to decide for
     *
     * @return array<string, mixed> `allowed` and more, as in pipeforkas-protocol(7)
     */
    public function check(
        string $job,
        string|int|null $user = null,
        array|object|null $args = null,
        array $env = [],
        ?float $timeout = null,
        string|int|null $caller = null,
        ?string $ticket = null,
    ): array {
        $request = ['op' => 'check', 'caller' => $caller] + self::request($job, $user, $args, $env, $timeout, $ticket);
        $reply = $this->exchange($request, null);
        if ($reply->stdout === '' || !in_array($reply->code, ['ok', 'denied'], true)) {
            throw new RequestRefusedException($reply);
        }

        return self::demandObject(self::read($reply->stdout));
    }

    /**
     * Gets the status of the daemon. Callers other than root see their own jobs.
     *
     * @return array<string, mixed> as in pipeforkas-protocol(7)
     */
    public function status(): array
    {
        return self::demandObject($this->ask(['op' => 'status']));
    }

    /** Cancels a job as if its client had disconnected; does not wait for its end. The ids are in status(). */
    public function cancel(int $id): void
    {
        $reply = $this->exchange(['op' => 'cancel', 'id' => $id], null);
        if (!$reply->isSuccess()) {
            throw new RequestRefusedException($reply);
        }
    }

    /**
     * Proves to the daemon, by the password, that the user is there; the daemon asks PAM.
     *
     * @param string $user the name of the user
     * @param string $password at most 1024 bytes
     *
     * @return array<string, mixed> `ticket`, a secret for the parameter $ticket that only this caller can use, and only for this user;
     *     `user`, `uid`, `expires`, `seconds`, as in pipeforkas-protocol(7)
     *
     * @throws RequestRefusedException `denied`: the name or the password is wrong, the account cannot be used, or this caller may not sign
     *     users in; `busy`: after too many failures
     */
    public function signIn(string $user, #[\SensitiveParameter] string $password): array
    {
        if (preg_match('/^[0-9]*\z/', $user) === 1) {
            throw new RequestException('the user must be given by name');
        }

        $answer = self::demandObject($this->ask(['op' => 'sign-in', 'user' => $user], Input::of($password)));
        return self::isTicket($answer['ticket'] ?? null) ? $answer
            : throw new ProtocolViolationException(self::JSON_START, 'the reply has no ticket');
    }

    /** Ends a ticket. Returns also if the ticket was not valid. */
    public function signOut(string $ticket): void
    {
        $reply = $this->exchange(['op' => 'sign-out', 'ticket' => $ticket], null);
        if (!$reply->isSuccess()) {
            throw new RequestRefusedException($reply);
        }
    }

    /**
     * @param array<string, mixed>|object|null $args
     * @param array<string, string> $env
     *
     * @return array<string, mixed>
     */
    private static function request(
        string $job,
        string|int|null $user,
        array|object|null $args,
        array $env,
        ?float $timeout,
        ?string $ticket,
    ): array {
        if (is_array($args) && $args !== [] && array_is_list($args)) {
            throw new RequestException('the arguments must be an object: an array with names as keys');
        }

        foreach ($env as $name => $value) {
            if (!is_string($value)) {
                throw new RequestException('the value of the environment variable ' . Text::excerpt((string) $name) . ' must be a string');
            }
        }

        if ($timeout !== null && !($timeout > 0 && is_finite($timeout))) {
            throw new RequestException('the timeout must be a number of seconds over 0');
        }

        // PHP has one type for lists and objects.
        return [
            'job' => $job, 'user' => $user, 'args' => is_array($args) ? (object) $args : $args,
            'env' => $env === [] ? null : (object) $env, 'timeout' => $timeout, 'ticket' => $ticket,
        ];
    }

    /**
     * @param array<string, mixed> $request
     *
     * @return array<mixed>
     */
    private function ask(array $request, ?Input $input = null): array
    {
        $reply = $this->exchange($request, $input);
        if (!$reply->isSuccess()) {
            throw new RequestRefusedException($reply);
        }

        return self::read($reply->stdout);
    }

    /** @return array<mixed> */
    private static function read(string $json): array
    {
        try {
            $value = json_decode($json, true, 128, JSON_THROW_ON_ERROR);
        } catch (\JsonException $failure) {
            throw new ProtocolViolationException(self::JSON_START, 'the reply is not JSON', $failure);
        }

        return is_array($value) ? $value : throw new ProtocolViolationException(self::JSON_START, 'the reply is not a list or an object');
    }

    /**
     * @param array<mixed> $value
     *
     * @return array<string, mixed>
     */
    private static function demandObject(array $value): array
    {
        return !array_is_list($value) ? $value : throw new ProtocolViolationException(self::JSON_START, 'the reply is not an object');
    }

    /** @param array<string, mixed> $request null members are left out */
    private function exchange(
        array $request,
        ?Input $input,
        ?callable $onStdout = null,
        ?callable $onStderr = null,
        int $limit = self::DEFAULT_LIMIT,
        ?float $deadline = null,
    ): Result {
        $line = self::toLine($request);
        if ($limit < 0) {
            throw new RequestException('the limit must be a number of bytes');
        }

        if ($deadline !== null && !($deadline > 0)) {
            throw new RequestException('the deadline must be a number of seconds over 0');
        }

        $until = $deadline === null ? null : Clock::in($deadline);
        $stdout = new Output('standard output', $limit, $onStdout);
        $stderr = new Output('standard error', $limit, $onStderr);
        $connection = Connection::open($this->socket, $this->daemonUid, $until);
        try {
            $end = $connection->exchange($line, $input, $stdout, $stderr, $until);
        } finally {
            $connection->close();
        }

        return Result::of($end, $stdout->bytes, $stderr->bytes);
    }

    private static function isTicket(mixed $value): bool
    {
        return is_string($value) && preg_match('/^[A-Za-z0-9_-]{43}\z/', $value) === 1;
    }

    /** @param array<string, mixed> $request */
    private static function toLine(array $request): string
    {
        if (isset($request['ticket']) && !self::isTicket($request['ticket'])) {
            throw new RequestException('the ticket must be the 43 characters that signIn() returned');
        }

        $members = array_filter($request, static fn (mixed $value): bool => $value !== null) + ['reply' => 'frames'];
        try {
            $line = json_encode($members, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES) . "\n";
        } catch (\JsonException $failure) {
            throw new RequestException("the request cannot be written as JSON: {$failure->getMessage()}", $failure);
        }

        if (($request['args'] ?? null) !== null && !is_object(json_decode($line)->args ?? null)) {
            throw new RequestException('the JSON of the arguments must be an object');
        }

        if (strlen($line) > self::MAX_REQUEST_BYTES) {
            throw new RequestException(sprintf(
                'the request has %d bytes, at most %d are allowed; send large data as the input of the job',
                strlen($line),
                self::MAX_REQUEST_BYTES,
            ));
        }

        return $line;
    }
}

/** How a job ended, or why the daemon did not run it. */
final class Result
{
    /**
     * @param string $code how the request ended: a code of pipeforkas-protocol(7), for example `ok` or `denied`
     * @param int|null $exit the exit code, 0 to 255; null if a signal ended the job or no job ran
     * @param int|null $signal the number of the signal that ended the job, 1 to 64, or null
     * @param string|null $message what happened, for people; null if the job exited with 0. It is not escaped: a job can put control
     *     characters there.
     * @param JobError|null $error the exception of the job; null unless $code is `error`
     * @param string|null $user the user that the job ran as
     * @param int|null $pid the process id of the worker
     * @param int $stdoutBytes the number of bytes that the job wrote to standard output
     * @param int $stderrBytes the number of bytes that the job wrote to standard error
     * @param float $seconds the time from the accepted connection to the end
     * @param float|null $cpu seconds of processor time; null if no job ran
     * @param int|null $maxrss the largest resident set in bytes; null if no job ran
     * @param string $stdout the standard output of the job; empty if a callback got it
     * @param string $stderr the standard error of the job; empty if a callback got it
     */
    public function __construct(
        public readonly string $code,
        public readonly ?int $exit = null,
        public readonly ?int $signal = null,
        public readonly ?string $message = null,
        public readonly ?JobError $error = null,
        public readonly ?string $job = null,
        public readonly ?string $user = null,
        public readonly ?int $uid = null,
        public readonly ?int $pid = null,
        public readonly int $stdoutBytes = 0,
        public readonly int $stderrBytes = 0,
        public readonly float $seconds = 0.0,
        public readonly ?float $cpu = null,
        public readonly ?int $maxrss = null,
        public readonly string $stdout = '',
        public readonly string $stderr = '',
    ) {
    }

    /** Whether the job exited with 0, or the other operation succeeded. */
    public function isSuccess(): bool
    {
        return $this->code === 'ok';
    }

    /**
     * @internal
     *
     * @param \stdClass $end an end record that EndRecord has checked
     */
    public static function of(\stdClass $end, string $stdout, string $stderr): self
    {
        $error = $end->error ?? null;
        return new self(
            $end->code,
            $end->exit ?? null,
            $end->signal ?? null,
            $end->message ?? null,
            $error === null ? null : new JobError($error->type, $error->message, $error->errno ?? null),
            $end->job ?? null,
            $end->user ?? null,
            $end->uid ?? null,
            $end->pid ?? null,
            $end->stdout ?? 0,
            $end->stderr ?? 0,
            (float) ($end->seconds ?? 0),
            isset($end->cpu) ? (float) $end->cpu : null,
            $end->maxrss ?? null,
            $stdout,
            $stderr,
        );
    }
}

/** The exception that the function of a job threw, or why the program cannot be executed. */
final class JobError
{
    /**
     * @param string $type the kind that the job gives its failure, for example `not-found`, or the type of the exception; `execve` for a
     *     program that cannot be executed
     */
    public function __construct(
        public readonly string $type,
        public readonly string $message,
        public readonly ?int $errno = null,
    ) {
    }
}

/** The base of all exceptions of the client. */
abstract class PipeForkAsException extends \RuntimeException
{
    public function __construct(string $message, ?\Throwable $previous = null)
    {
        parent::__construct($message, 0, $previous);
    }
}

/** The request is not valid or longer than 64 KiB; nothing was sent. */
final class RequestException extends PipeForkAsException
{
}

/** The daemon cannot be reached; nothing was run. */
final class ConnectionException extends PipeForkAsException
{
    /** @param int $errno why connect(2) failed; 0 if the path is too long for a socket */
    public function __construct(public readonly string $socket, public readonly int $errno, string $reason)
    {
        $path = Text::excerpt($socket);
        $remedy = 'is pipeforkas running? See: systemctl status pipeforkas';
        parent::__construct(match ($errno) {
            Connection::ENOENT => "cannot connect to {$path}: no such file; {$remedy}",
            Connection::ECONNREFUSED => "cannot connect to {$path}: no process listens on it; {$remedy}",
            Connection::EACCES => "cannot connect to {$path}: permission denied; check the owner and mode of the socket and its folders",
            Connection::EAGAIN => "cannot connect to {$path}: the daemon's queue of connections is full; try again later",
            0 => "\"{$path}\" cannot be the path of a socket: {$reason}",
            default => "cannot connect to {$path}: " . Text::excerpt($reason),
        });
    }
}

/** Somebody other than $daemonUid and root can have put the socket there; nothing was sent. */
final class UntrustedDaemonException extends PipeForkAsException
{
    public function __construct(public readonly string $socket, string $problem)
    {
        parent::__construct("{$problem}; nothing was sent to " . Text::excerpt($socket));
    }
}

/** The connection ended before the end of the reply. It is unknown whether the job ran to its end. */
final class ReplyCutShortException extends PipeForkAsException
{
    /** @param int $received the bytes of the reply that arrived, including the headers of frames */
    public function __construct(public readonly int $received)
    {
        parent::__construct(
            $received === 0
                ? 'the daemon closed the connection without a reply; its journal may say why: journalctl -u pipeforkas'
                : "the reply was cut short after {$received} bytes: its end record is missing, and with it how the job ended"
        );
    }
}

/** The reply is not one of this protocol. */
final class ProtocolViolationException extends PipeForkAsException
{
    /** @param int $position the byte of the fault, counted from the start of the reply */
    public function __construct(public readonly int $position, string $problem, ?\Throwable $previous = null)
    {
        parent::__construct("the reply breaks the protocol at byte {$position}: {$problem}", $previous);
    }
}

/** A job wrote more than the limit of the call; the daemon cancels it. */
final class OutputTooLargeException extends PipeForkAsException
{
    public function __construct(string $output, public readonly int $limit)
    {
        parent::__construct("the job wrote more than {$limit} bytes to its {$output}; read it by a callback, or raise the limit");
    }
}

/** The input of a job failed; the daemon cancels the job. The previous exception is that of a generator. */
final class InputException extends PipeForkAsException
{
    public function __construct(string $problem, ?\Throwable $previous = null)
    {
        parent::__construct('the input of the job failed: ' . Text::excerpt($problem), $previous);
    }
}

/** A callback returned false, or the deadline of the call has passed; the daemon cancels the job. */
final class CancelledException extends PipeForkAsException
{
}

/** A job did not succeed: it failed, a signal ended it, it timed out, or the daemon did not run it. */
final class JobFailedException extends PipeForkAsException
{
    /** The code of the reply, for example `failed` or `denied`. Exception::getCode() is a number. */
    public readonly string $replyCode;

    public readonly ?int $exit;

    public readonly ?int $signal;

    /** The type of the job's exception. */
    public readonly ?string $errorType;

    public readonly ?int $errno;

    public function __construct(public readonly Result $result)
    {
        $this->replyCode = $result->code;
        $this->exit = $result->exit;
        $this->signal = $result->signal;
        $this->errorType = $result->error?->type;
        $this->errno = $result->error?->errno;
        $job = $result->job === null ? 'the job' : 'the job ' . Text::excerpt($result->job);
        $message = $result->message === null ? '' : ': ' . Text::escape($result->message);
        $lines = array_filter(array_map(trim(...), explode("\n", substr($result->stderr, -4096))), static fn ($line) => $line !== '');
        $wrote = $lines === [] ? '' : '; it wrote to standard error: ' . Text::excerpt(end($lines));
        parent::__construct("{$job} did not succeed ({$result->code}){$message}{$wrote}");
    }
}

/** The daemon refused an operation other than a job. */
final class RequestRefusedException extends PipeForkAsException
{
    /** The code of the reply, for example `unknown-job`. Exception::getCode() is a number. */
    public readonly string $replyCode;

    public function __construct(public readonly Result $result)
    {
        $this->replyCode = $result->code;
        parent::__construct($result->message === null ? $result->code : "{$result->code}: " . Text::escape($result->message));
    }
}

/**
 * One connection: sends the request and the input while it receives the reply.
 *
 * @internal
 */
final class Connection
{
    // Of Linux on x86-64, where the daemon runs.
    public const ENOENT = 2;
    public const EAGAIN = 11;
    public const EACCES = 13;
    public const ECONNREFUSED = 111;

    private const MAX_PATH_BYTES = 107;

    /** Slightly more than a pipe or a socket returns at once. */
    private const PIECE_SIZE = 64 * 1024;

    /** How long to wait while the queue of connections is full: connect(2) then fails with EAGAIN. */
    private const QUEUE_TIMEOUT = 10.0;

    private const LONGEST_PAUSE_US = 50_000;

    private const POLL_PAUSE = 0.01;

    /**
     * How long to wait for the daemon to close the connection after the end record. The wait detects bytes that must not follow; the end of
     * a job must not depend on the close.
     */
    private const CLOSE_GRACE = 2.0;

    /** @param resource $stream */
    private function __construct(private $stream)
    {
        stream_set_blocking($stream, false);

        // PHP would read 8 KiB at most into its own buffer.
        stream_set_read_buffer($stream, 0);
    }

    /** Connects, after it has checked that only root can have put the socket there. */
    public static function open(string $socket, ?int $daemonUid, ?int $until): self
    {
        if (str_contains($socket, "\0")) {
            throw new ConnectionException($socket, 0, 'it contains NUL');
        }

        // Follows links once: what is checked is what is connected to.
        clearstatcache(true, $socket);
        $place = Quietly::call(static fn (): string|false => realpath($socket));
        if ($place !== false && $daemonUid !== null) {
            self::demandOwner($socket, $place, $daemonUid);
        }

        // PHP would cut a longer path, and connect to another one.
        if (strlen($place !== false ? $place : $socket) > self::MAX_PATH_BYTES) {
            throw new ConnectionException($socket, 0, 'unix(7) allows 1 to 107 bytes');
        }

        $queued = Clock::in(self::QUEUE_TIMEOUT);
        for ($pause = 1000; true; $pause = min(2 * $pause, self::LONGEST_PAUSE_US)) {
            $stream = Quietly::call(static function () use ($place, $socket, &$errno, &$reason) {
                return stream_socket_client('unix://' . ($place !== false ? $place : $socket), $errno, $reason, 10.0);
            });
            if ($stream !== false) {
                // Without a real path nothing was checked, and the attempt was for its errno.
                return $place !== false ? new self($stream) : throw new UntrustedDaemonException($socket, 'the socket has just appeared');
            }

            if ($errno !== self::EAGAIN || Clock::hasPassed($queued)) {
                throw new ConnectionException($socket, $errno, (string) $reason);
            }

            if ($until !== null && Clock::hasPassed($until)) {
                throw new CancelledException('the deadline has passed');
            }

            // No event reports that the queue has room.
            usleep($pause);
        }
    }

    public function close(): void
    {
        fclose($this->stream);
    }

    /** Returns the end record. */
    public function exchange(string $line, ?Input $input, Output $stdout, Output $stderr, ?int $until): \stdClass
    {
        $parser = new ReplyParser();
        $unsent = $line;
        $sent = 0;
        $isOpen = true;
        while ($parser->end === null) {
            $poll = null;
            if ($isOpen && $sent === strlen($unsent)) {
                if ($input === null || $input->isAtEnd()) {
                    Quietly::call(fn (): bool => stream_socket_shutdown($this->stream, STREAM_SHUT_WR));
                    $isOpen = false;
                } elseif (!$input->canWait()) {
                    [$unsent, $sent] = [$input->next(), 0];

                    // A source that has nothing at present and cannot be waited for must not keep the reply waiting.
                    $poll = Clock::in($unsent === '' && !$input->isAtEnd() ? self::POLL_PAUSE : 0.0);
                }
            }

            $isSending = $isOpen && $sent < strlen($unsent);
            $read = ['reply' => $this->stream];
            if ($isOpen && !$isSending && $poll === null) {
                $read['input'] = $input->stream();
            }

            $write = $isSending ? [$this->stream] : [];
            Clock::select($read, $write, $until, $isSending ? null : $poll);
            if (isset($read['reply'])) {
                $this->receive($parser, $stdout, $stderr);
            }

            if ($write !== [] && $parser->end === null) {
                $piece = substr($unsent, $sent, self::PIECE_SIZE);
                $count = Quietly::call(fn (): int|false => fwrite($this->stream, $piece));

                // The daemon reads no more, because it refused the request or the job ended: the reply says what happened.
                $isOpen = $count !== false;
                $sent += (int) $count;
            }

            if (isset($read['input']) && $parser->end === null) {
                [$unsent, $sent] = [$input->next(), 0];
            }
        }

        $this->expectClose($parser, $until);
        return $parser->end;
    }

    private function receive(ReplyParser $parser, Output $stdout, Output $stderr): void
    {
        $bytes = $this->read();
        if ($bytes === null) {
            throw new ReplyCutShortException($parser->position);
        }

        $parser->take($bytes, $stdout, $stderr);
    }

    private function expectClose(ReplyParser $parser, ?int $until): void
    {
        $grace = Clock::in(self::CLOSE_GRACE);
        $bytes = '';
        while ($bytes === '' && !Clock::hasPassed($grace)) {
            $read = [$this->stream];
            $write = [];
            if (Clock::select($read, $write, $until, $grace)) {
                $bytes = $this->read();
            }
        }

        if (($bytes ?? '') !== '') {
            throw new ProtocolViolationException($parser->position, 'bytes follow the end record, which comes last');
        }
    }

    /** Returns what has arrived; null at the end, also after a reset. */
    private function read(): ?string
    {
        $bytes = Quietly::call(fn (): string|false => fread($this->stream, self::PIECE_SIZE));
        if ($bytes !== false && $bytes !== '') {
            return $bytes;
        }

        // feof() would wait for more.
        return stream_get_meta_data($this->stream)['eof'] ? null : '';
    }

    /**
     * PHP cannot ask the kernel who listens (SO_PEERCRED). But bind(2) gives a socket to the user that creates it, and who cannot write to
     * the folders above cannot put another one there.
     */
    private static function demandOwner(string $socket, string $place, int $daemonUid): void
    {
        $owner = self::stat($socket, $place)['uid'];
        if ($owner !== $daemonUid) {
            throw new UntrustedDaemonException($socket, "the socket belongs to uid {$owner}, expected is uid {$daemonUid}");
        }

        $folder = $place;
        do {
            $isOwn = $folder === $place;
            $folder = dirname($folder);
            ['uid' => $owner, 'mode' => $mode] = self::stat($socket, $folder);
            if ($owner !== 0 && $owner !== $daemonUid) {
                throw new UntrustedDaemonException($socket, "a folder above the socket belongs to uid {$owner}: " . Text::excerpt($folder));
            }

            // In a sticky folder nobody can replace what belongs to root, which is checked of everything in these folders that leads here.
            $isSafe = ($mode & 0022) === 0 || (!$isOwn && ($mode & 01000) !== 0);
            if (!$isSafe) {
                $shown = Text::excerpt($folder);
                throw new UntrustedDaemonException($socket, "others than root can write to a folder above the socket: {$shown}");
            }
        } while ($folder !== '/');
    }

    /** @return array{uid: int, mode: int} */
    private static function stat(string $socket, string $path): array
    {
        clearstatcache(true, $path);
        $stat = Quietly::call(static fn (): array|false => lstat($path));
        return $stat !== false ? $stat : throw new UntrustedDaemonException($socket, 'cannot read who owns ' . Text::excerpt($path));
    }
}

/**
 * The standard input of a job.
 *
 * @internal
 */
final class Input
{
    private const PIECE_SIZE = 64 * 1024;

    private bool $isAtEnd = false;

    private bool $isBegun = false;

    /**
     * @param resource|null $stream
     * @param bool $canWait whether stream_select() can wait for the stream
     * @param \Iterator<mixed, mixed>|null $pieces
     */
    private function __construct(private $stream, private bool $canWait, private ?\Iterator $pieces)
    {
    }

    public static function of(mixed $input): ?self
    {
        return match (true) {
            $input === null, $input === '' => null,
            is_string($input) => new self(null, false, new \ArrayIterator([$input])),
            is_resource($input) && get_resource_type($input) === 'stream' => new self($input, self::isSelectable($input), null),
            is_array($input) => new self(null, false, new \ArrayIterator($input)),
            $input instanceof \Traversable => new self(null, false, new \IteratorIterator($input)),
            default => throw new RequestException('the input must be a string, a stream, or an iterable of strings'),
        };
    }

    public function isAtEnd(): bool
    {
        return $this->isAtEnd;
    }

    public function canWait(): bool
    {
        return $this->canWait;
    }

    /** @return resource */
    public function stream()
    {
        return $this->stream;
    }

    /** Returns the next piece, which can be empty. */
    public function next(): string
    {
        return $this->stream !== null ? $this->fromStream() : $this->fromPieces();
    }

    private function fromStream(): string
    {
        $problem = null;
        $piece = Quietly::call(fn (): string|false => fread($this->stream, self::PIECE_SIZE), $problem);
        if ($piece === false || ($piece === '' && $problem !== null)) {
            throw new InputException($problem ?? 'the stream cannot be read');
        }

        $this->isAtEnd = $piece === '' && stream_get_meta_data($this->stream)['eof'];
        return $piece;
    }

    private function fromPieces(): string
    {
        try {
            if ($this->isBegun) {
                $this->pieces->next();
            } else {
                $this->pieces->rewind();
                $this->isBegun = true;
            }

            if (!$this->pieces->valid()) {
                $this->isAtEnd = true;
                return '';
            }

            $piece = $this->pieces->current();
        } catch (\Throwable $failure) {
            throw new InputException($failure->getMessage(), $failure);
        }

        return is_string($piece) ? $piece : throw new InputException('a piece of it is not a string');
    }

    /** @param resource $stream */
    private static function isSelectable($stream): bool
    {
        $read = [$stream];
        $none = null;
        try {
            return Quietly::call(static function () use (&$read, &$none): int|false {
                return stream_select($read, $none, $none, 0);
            }) !== false;
        } catch (\ValueError) {
            // A stream without a descriptor, for example php://memory.
            return false;
        }
    }
}

/**
 * Takes one output of a job: a callback, or memory up to a limit.
 *
 * @internal
 */
final class Output
{
    public string $bytes = '';

    private readonly ?\Closure $callback;

    public function __construct(private readonly string $name, private readonly int $limit, ?callable $callback)
    {
        $this->callback = $callback === null ? null : $callback(...);
    }

    public function take(string $piece): void
    {
        if ($this->callback !== null) {
            if (($this->callback)($piece) === false) {
                throw new CancelledException('the request was cancelled');
            }
        } elseif (strlen($piece) > $this->limit - strlen($this->bytes)) {
            throw new OutputTooLargeException($this->name, $this->limit);
        } else {
            $this->bytes .= $piece;
        }
    }
}

/**
 * Finds the frames in a reply, however the socket splits it, and checks its rules: known types, lengths within the limit, the end record
 * once and last. Passes output on as it arrives; keeps only the end record.
 *
 * @internal
 */
final class ReplyParser
{
    private const HEADER_SIZE = 8;
    private const STDOUT = 1;
    private const STDERR = 2;
    private const END = 16;

    /** The longest frame of output in bytes that a daemon may announce. */
    private const MAX_FRAME = 16 * 1024 * 1024;

    /** The longest end record in bytes that this client reads. Its longest part is the message of an exception. */
    private const MAX_END = 1024 * 1024;

    /** The number of bytes taken so far. */
    public int $position = 0;

    /** The end record; null until it is complete. */
    public ?\stdClass $end = null;

    private string $header = '';

    private int $type = 0;

    private int $remaining = 0;

    private string $endRecord = '';

    public function take(string $bytes, Output $stdout, Output $stderr): void
    {
        for ($offset = 0, $length = strlen($bytes); $offset < $length; $offset += $count) {
            if ($this->end !== null) {
                throw new ProtocolViolationException($this->position, 'bytes follow the end record, which comes last');
            }

            $isHeader = strlen($this->header) < self::HEADER_SIZE;
            $count = min($length - $offset, $isHeader ? self::HEADER_SIZE - strlen($this->header) : $this->remaining);
            $piece = substr($bytes, $offset, $count);
            $this->position += $count;
            if ($isHeader) {
                $this->header .= $piece;
                if (strlen($this->header) === self::HEADER_SIZE) {
                    $this->readHeader();
                }

                continue;
            }

            $this->remaining -= $count;
            match ($this->type) {
                self::STDOUT => $stdout->take($piece),
                self::STDERR => $stderr->take($piece),
                self::END => $this->endRecord .= $piece,
            };
            $this->finishFrame();
        }
    }

    private function readHeader(): void
    {
        ['type' => $type, 'length' => $length] = unpack('Ntype/Nlength', $this->header);
        $start = $this->position - self::HEADER_SIZE;
        $this->type = $type >> 24;
        if (($type & 0xffffff) !== 0 || !in_array($this->type, [self::STDOUT, self::STDERR, self::END], true)) {
            throw new ProtocolViolationException($start, sprintf('a frame begins with 0x%08x, which is no type of this protocol', $type));
        }

        $most = $this->type === self::END ? self::MAX_END : self::MAX_FRAME;
        if ($length > $most) {
            throw new ProtocolViolationException($start, "a frame announces {$length} bytes, at most {$most} are allowed");
        }

        $this->remaining = $length;
        $this->finishFrame();
    }

    private function finishFrame(): void
    {
        if ($this->remaining > 0) {
            return;
        }

        $this->header = '';
        if ($this->type === self::END) {
            $this->end = EndRecord::read($this->endRecord, $this->position - strlen($this->endRecord));
        }
    }
}

/**
 * Reads the last frame of a reply, and checks it.
 *
 * @internal
 */
final class EndRecord
{
    private const CODES = [
        'ok', 'failed', 'signaled', 'error', 'timeout', 'cancelled', 'output-limit', 'bad-request', 'too-large', 'unknown-job',
        'unknown-user', 'bad-args', 'denied', 'busy', 'host-lost', 'shutting-down', 'internal',
    ];

    public static function read(string $json, int $start): \stdClass
    {
        try {
            $record = json_decode($json, false, 128, JSON_THROW_ON_ERROR);
        } catch (\JsonException $failure) {
            throw new ProtocolViolationException($start, 'the end record is not JSON', $failure);
        }

        $problem = self::problem($record);
        if ($problem !== null) {
            throw new ProtocolViolationException($start, "the end record is wrong: {$problem}");
        }

        return $record;
    }

    private static function problem(mixed $record): ?string
    {
        if (!$record instanceof \stdClass) {
            return 'it is not an object';
        }

        if (!in_array($record->code ?? null, self::CODES, true)) {
            return 'it has no "code" of this protocol';
        }

        // What each member must be if it is there and not null. A newer daemon may send more members.
        $rules = [
            'exit' => self::isBetween(0, 255),
            'signal' => self::isBetween(1, 64),
            'message' => is_string(...),
            'job' => is_string(...),
            'user' => is_string(...),
            'uid' => self::isBetween(0, 0xffffffff),
            'pid' => self::isBetween(1, 0x7fffffff),
            'stdout' => self::isBetween(0, PHP_INT_MAX),
            'stderr' => self::isBetween(0, PHP_INT_MAX),
            'seconds' => self::isAmount(...),
            'cpu' => self::isAmount(...),
            'maxrss' => self::isBetween(0, PHP_INT_MAX),
            'error' => self::isError(...),
        ];
        foreach ($rules as $name => $isRight) {
            if (isset($record->$name) && !$isRight($record->$name)) {
                return "its \"{$name}\" is not what it must be";
            }
        }

        return self::isContradiction($record) ? 'its "exit" or "signal" does not fit its "code"' : null;
    }

    /** Whether a program could take a failure for a success, or has no reason of a failure. A refused operation has no "exit". */
    private static function isContradiction(\stdClass $record): bool
    {
        [$exit, $signal] = [$record->exit ?? null, $record->signal ?? null];
        return match ($record->code) {
            'ok' => ($exit ?? 0) !== 0 || $signal !== null,
            'failed' => $exit === 0 || $signal !== null,
            'signaled' => $exit !== null || $signal === null,
            default => false,
        };
    }

    private static function isBetween(int $least, int $most): \Closure
    {
        return static fn (mixed $value): bool => is_int($value) && $value >= $least && $value <= $most;
    }

    private static function isAmount(mixed $value): bool
    {
        return (is_int($value) || is_float($value)) && $value >= 0 && is_finite((float) $value);
    }

    private static function isError(mixed $value): bool
    {
        return $value instanceof \stdClass && is_string($value->type ?? null) && is_string($value->message ?? null)
            && (!isset($value->errno) || self::isBetween(-0x80000000, 0x7fffffff)($value->errno));
    }
}

/**
 * Times on a clock that nobody sets, in nanoseconds, and waits.
 *
 * @internal
 */
final class Clock
{
    public static function in(float $seconds): int
    {
        return hrtime(true) + (int) min($seconds * 1e9, 1e18);
    }

    public static function hasPassed(int $time): bool
    {
        return hrtime(true) >= $time;
    }

    /**
     * Waits for streams, as stream_select() does, until a deadline, or until a time after which it returns false.
     *
     * @param array<array-key, resource> $read on return, those that are ready
     * @param array<array-key, resource> $write the same
     */
    public static function select(array &$read, array &$write, ?int $deadline, ?int $time = null): bool
    {
        $until = min($deadline ?? PHP_INT_MAX, $time ?? PHP_INT_MAX);
        [$wantedRead, $wantedWrite] = [$read, $write];
        do {
            [$read, $write] = [$wantedRead, $wantedWrite];
            $left = $until === PHP_INT_MAX ? null : max(0, $until - hrtime(true));
            $problem = null;
            $count = Quietly::call(static function () use (&$read, &$write, $left): int|false {
                $none = null;
                $seconds = $left === null ? null : intdiv($left, 1_000_000_000);
                $micros = $left === null ? null : intdiv($left % 1_000_000_000, 1000) + 1;
                return stream_select($read, $write, $none, $seconds, $micros);
            }, $problem);

            // A signal interrupts the wait, and its handler has run.
            if ($count === false && !str_contains((string) $problem, '[4]')) {
                throw new ConnectionException('the socket', -1, $problem ?? 'stream_select() failed');
            }

            if ($deadline !== null && self::hasPassed($deadline)) {
                throw new CancelledException('the deadline has passed');
            }
        } while ($count === false || ($count === 0 && ($time === null || !self::hasPassed($time))));

        return $count > 0;
    }
}

/**
 * Calls a function of PHP that reports errors as warnings, which a program may turn into exceptions.
 *
 * @internal
 */
final class Quietly
{
    /**
     * @template T
     *
     * @param callable(): T $call
     * @param string|null $problem the last warning
     *
     * @return T
     */
    public static function call(callable $call, ?string &$problem = null): mixed
    {
        set_error_handler(static function (int $level, string $message) use (&$problem): bool {
            $problem = $message;
            return true;
        });
        try {
            return $call();
        } finally {
            restore_error_handler();
        }
    }
}

/**
 * Makes untrusted text safe to show, as the daemon and the command do.
 *
 * @internal
 */
final class Text
{
    private const MAX_EXCERPT = 200;

    /** Returns the text as one line, without characters that control a terminal, change the order of text, or cannot be seen. */
    public static function escape(string $text): string
    {
        // What is not UTF-8 becomes U+FFFD: a job may write any bytes.
        $text = (string) json_decode((string) json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE));
        return (string) preg_replace_callback('/[\p{C}\p{Zl}\p{Zp}]/u', static fn (array $found): string => match ($found[0]) {
            "\n" => '\n',
            "\r" => '\r',
            "\t" => '\t',
            default => self::hex($found[0]),
        }, $text);
    }

    /** Returns the beginning of the text, escaped, of at most 200 characters. */
    public static function excerpt(string $text): string
    {
        $line = self::escape(substr($text, 0, 4 * self::MAX_EXCERPT + 4));
        preg_match('/^(.{0,197})(.{0,3})(.?)/u', $line, $parts);
        return ($parts[3] ?? '') === '' ? $line : $parts[1] . '...';
    }

    private static function hex(string $character): string
    {
        $bytes = array_map(ord(...), str_split($character));
        $code = count($bytes) === 1 ? $bytes[0] : $bytes[0] & (0x7f >> count($bytes));
        foreach (array_slice($bytes, 1) as $byte) {
            $code = $code << 6 | $byte & 0x3f;
        }

        return sprintf($code > 0xffff ? '\U%08x' : '\u%04x', $code);
    }
}
