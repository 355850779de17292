/// <reference types="node" />
import { Readable, Writable } from 'node:stream';

/** How a request ended. */
export type ReplyCode =
    | 'ok' | 'failed' | 'signaled' | 'error' | 'timeout' | 'cancelled' | 'output-limit' | 'bad-request' | 'too-large' | 'unknown-job'
    | 'unknown-user' | 'bad-args' | 'denied' | 'busy' | 'host-lost' | 'shutting-down' | 'internal';

/** How to reach the daemon. */
export interface ConnectionOptions {
    /**
     * The socket of the daemon, or `ssh://[user@]host[:port]`, also with the path of the socket on that host after it: ssh(1) then runs
     * `pipeforkas dial` there, with the configuration, keys and agent of the calling user, and never asks for a password. Default: the host
     * in the environment variable PIPEFORKAS_HOST, otherwise the path in PIPEFORKAS_SOCKET, otherwise /run/pipeforkas/pipeforkas.sock.
     */
    socket?: string;
    /**
     * The uid that the socket must belong to; null for any. Default: 0. Only this uid and root may be able to change the folders above it.
     * In a user namespace, root outside the namespace has the overflow uid, usually 65534 (user_namespaces(7)).
     */
    daemonUid?: number | null;
    /** Cancels the request; the daemon then cancels the job. */
    signal?: AbortSignal;
}

/** The members of a request. */
export interface RequestOptions {
    /** User to run the job as: a name or a uid. Default: the calling user. */
    user?: string | number;
    /** The arguments of the job, as an object whose JSON the job takes. */
    args?: object;
    /** Environment variables for the job; only those that the job allows. */
    env?: Readonly<Record<string, string>>;
    /** The maximum run time of the job in seconds, more than 0. It can only shorten the configured time. */
    timeout?: number;
    /** A ticket of the user, from `signIn`, for rules with RequireSignIn. */
    ticket?: string;
}

/** A piece of input: text is sent as UTF-8. */
export type InputPiece = string | NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** The standard input of a job: a stream, an async generator, a list of pieces and so on are read while the job reads. */
export type JobInput = InputPiece | AsyncIterable<InputPiece> | Iterable<InputPiece>;

export interface JobOptions extends ConnectionOptions, RequestOptions {
    /** The standard input of the job. Default for `run` and `lines`: no input; for `start`: what is written to `stdin`. */
    input?: JobInput | null;
    /** Whether a job that does not succeed is an error. Default: true. */
    check?: boolean;
}

export interface RunOptions extends JobOptions {
    /** The encoding of both outputs, or `'buffer'` for bytes. Default: `'utf8'`; bytes that are not UTF-8 become U+FFFD. */
    encoding?: BufferEncoding | 'buffer';
    /** The most bytes to keep of each output. Default: 16 MiB. */
    maxBuffer?: number;
}

export interface StartOptions extends JobOptions {
    /** The encoding of both outputs. Default: `'buffer'`. */
    encoding?: BufferEncoding | 'buffer';
}

export interface LinesOptions extends JobOptions {
    /** The longest line in bytes. Default: 1 MiB. */
    maxBuffer?: number;
}

/** The exception that the function of a job threw, or why the program cannot be executed. */
export interface JobError {
    /** The kind that the job gives its failure, for example `not-found`, or the type of the exception; `execve` for a program. */
    type: string;
    message: string;
    errno: number | null;
}

/** How a job ended, or why the daemon did not run it. */
export interface JobResult {
    code: ReplyCode;
    /** The exit code, 0 to 255; null if a signal ended the job or no job ran. */
    exit: number | null;
    /** The number of the signal that ended the job, 1 to 64, or null. */
    signal: number | null;
    /** What happened, for people; null if the job exited with 0. It is not escaped: a job can put control characters there. */
    message: string | null;
    /** Null unless `code` is `'error'`. */
    error: JobError | null;
    job: string | null;
    /** The user that the job ran as. */
    user: string | null;
    uid: number | null;
    /** The process id of the worker. */
    pid: number | null;
    /** The number of bytes that the job wrote to standard output. */
    stdoutBytes: number;
    /** The number of bytes that the job wrote to standard error. */
    stderrBytes: number;
    /** The time from the accepted connection to the end. */
    seconds: number;
    /** Seconds of processor time; null if no job ran. */
    cpu: number | null;
    /** The largest resident set in bytes; null if no job ran. */
    maxrss: number | null;
}

/** How a job ended, and both of its outputs. */
export interface RunResult<T = string> extends JobResult {
    stdout: T;
    stderr: T;
}

/** A job that runs. */
export interface Job {
    /**
     * The standard input of the job: end it, or the job waits for more. Null if there is an `input`. Closed without an error when nobody
     * reads it any more. Destroying it before its end cancels the job.
     */
    readonly stdin: Writable | null;
    /**
     * The standard output. It ends only if the job succeeded, or with `check: false` if the reply is complete; otherwise it is destroyed
     * with the error. Read it: after 64 KiB the job waits. Destroying it before its end cancels the job.
     */
    readonly stdout: Readable;
    /** The standard error. Read it, or call its `resume()`: after 64 KiB the job waits. It is never destroyed with an error. */
    readonly stderr: Readable;
    /**
     * How the job ended. Rejects with the same error as `stdout`. A program that asks for it need not listen to errors of the streams.
     */
    readonly result: Promise<JobResult>;
    /** Closes the connection: the daemon cancels the job, and `result` rejects with an `AbortError`. Does nothing after the end. */
    cancel(): void;
}

/** Runs a job, and returns its output. Rejects with a `JobFailedError` if the job does not succeed, unless `check` is false. */
export function run(job: string, options: RunOptions & { encoding: 'buffer' }): Promise<RunResult<Buffer>>;
export function run(job: string, options?: RunOptions & { encoding?: BufferEncoding }): Promise<RunResult<string>>;
export function run(job: string, options?: RunOptions): Promise<RunResult<string | Buffer>>;

/** Starts a job, and passes its streams through while it runs. Throws a `RequestError` if the request is not valid. */
export function start(job: string, options?: Omit<StartOptions, 'input'> & { input?: null }): Job & { readonly stdin: Writable };
export function start(job: string, options: StartOptions): Job;

/**
 * Runs a job, and gives the lines of its standard output while it runs, without `\n` or `\r\n`. Discards standard error. Throws after the
 * last line if the job does not succeed. Leaving the loop cancels the job.
 */
export function lines(job: string, options?: LinesOptions): AsyncGenerator<string, void, undefined>;

/** What a job is: its kind, the schema of its arguments, its limits; pipeforkas-protocol(7). */
export interface JobDescription {
    name: string;
    kind: 'text' | 'typed' | 'streaming' | 'command';
    description?: string | null;
    /** A JSON schema; absent or null if the job takes no arguments. */
    arguments?: object | null;
    env?: string[];
    unsafeEnv?: string[];
    [member: string]: unknown;
}

/** Whether the daemon would run a job, and how; pipeforkas-protocol(7). */
export interface CheckResult {
    allowed: boolean;
    [member: string]: unknown;
}

export interface RunningJob {
    id: number;
    job: string;
    caller: number;
    user: string;
    uid: number;
    pid: number;
    age: number;
    [member: string]: unknown;
}

/** The status of the daemon; pipeforkas-protocol(7). */
export interface DaemonStatus {
    version: string;
    uptime: number;
    jobs: RunningJob[];
    running: number;
    waiting: number;
    served: number;
    refused: number;
    codes: Record<ReplyCode, number>;
    [member: string]: unknown;
}

/** Lists the jobs that the caller may run. */
export function list(options?: ConnectionOptions): Promise<JobDescription[]>;

/** Describes one job. */
export function describe(job: string, options?: ConnectionOptions): Promise<JobDescription>;

/** Decides whether the daemon would run a request, without running it. `caller` is for root: the caller to decide for. */
export function check(job: string, options?: ConnectionOptions & RequestOptions & { caller?: string | number }): Promise<CheckResult>;

/** Gets the status of the daemon. Callers other than root see their own jobs. */
export function status(options?: ConnectionOptions): Promise<DaemonStatus>;

/** Cancels a job as if its client had disconnected; does not wait for its end. Ids are in `status`. */
export function cancel(id: number, options?: ConnectionOptions): Promise<void>;

/** The result of `signIn`. The ticket is a secret. */
export interface SignInTicket {
    /** For the option `ticket`. Only this caller can use it, and only for this user. */
    ticket: string;
    user: string;
    uid: number;
    /** The time at which the ticket ends at the latest, UTC, in the form of ISO 8601. */
    expires: string;
    /** The seconds until then, when the daemon replied. */
    seconds: number;
    [member: string]: unknown;
}

/**
 * Proves to the daemon, by the password, at most 1024 bytes, that the user is there; the daemon asks PAM. Rejects with a
 * `RequestRefusedError`: `denied` if the name or the password is wrong, if the account cannot be used, or if this caller may not sign users
 * in; `busy` after too many failures.
 */
export function signIn(user: string, password: string | NodeJS.ArrayBufferView, options?: ConnectionOptions): Promise<SignInTicket>;

/** Ends a ticket. Resolves also if the ticket was not valid. */
export function signOut(ticket: string, options?: ConnectionOptions): Promise<void>;

/** The base of all errors. */
export class PipeForkAsError extends Error {
    /** A word for programs. */
    readonly code: string;
}

/** The request is not valid or longer than 64 KiB; nothing was sent. */
export class RequestError extends PipeForkAsError {}

/** The daemon cannot be reached; nothing was run. `code` is the errno, for example `ECONNREFUSED`. */
export class ConnectionError extends PipeForkAsError {
    readonly path: string;
}

/** Somebody other than `daemonUid` and root can have put the socket there; nothing was sent. */
export class UntrustedDaemonError extends PipeForkAsError {
    readonly path: string;
}

/**
 * ssh or the host that it reaches failed. If `exit` is 255, the connection can have ended after the request: then it is unknown whether the
 * job ran.
 */
export class RemoteHostError extends PipeForkAsError {
    /** The host, as `[user@]host[:port]`. */
    readonly host: string;
    /**
     * The exit status of ssh: 255 if it failed itself, else that of `pipeforkas dial` on the host; null if ssh has not started or a signal
     * ended it.
     */
    readonly exit: number | null;
}

/** The connection ended before the end of the reply. It is unknown whether the job ran to its end. */
export class ReplyCutShortError extends PipeForkAsError {
    /** The bytes of the reply that arrived, including the headers of frames. */
    readonly received: number;
}

/** The reply is not one of this protocol. */
export class ProtocolViolationError extends PipeForkAsError {
    /** The byte of the fault, counted from the start of the reply. */
    readonly position: number;
}

/** A job wrote more than `maxBuffer`; the daemon cancels it. */
export class OutputTooLargeError extends PipeForkAsError {
    readonly maxBuffer: number;
}

/** The input of a job failed, for the reason in `cause`; the daemon cancels the job. */
export class InputError extends PipeForkAsError {}

/** The program cancelled the request; the daemon cancels the job. */
export class AbortError extends PipeForkAsError {
    readonly code: 'ABORT_ERR';
}

/** A job did not succeed: it failed, a signal ended it, it timed out, or the daemon did not run it. */
export class JobFailedError extends PipeForkAsError {
    readonly code: ReplyCode;
    readonly exit: number | null;
    readonly signal: number | null;
    readonly error: JobError | null;
    readonly errorType: string | null;
    readonly errno: number | null;
    readonly result: JobResult;
    /** For `run`: the standard output, in the encoding of the options. */
    readonly stdout?: string | Buffer;
    /** For `run`: the standard error, in the encoding of the options. */
    readonly stderr?: string | Buffer;
}

/** The daemon refused an operation other than a job. */
export class RequestRefusedError extends PipeForkAsError {
    readonly code: ReplyCode;
    readonly exit: number | null;
    readonly signal: number | null;
    readonly error: JobError | null;
    readonly errorType: string | null;
    readonly errno: number | null;
    readonly result: JobResult;
}
