'use strict';

const { excerpt, escape } = require('./text.js');

/** The base of all errors of this module. `code` is a word for programs. */
class PipeForkAsError extends Error {
    constructor(message, code, cause) {
        super(message, cause === undefined ? undefined : { cause });
        this.name = new.target.name;
        this.code = code;
    }
}

/** The request is not valid or too long; nothing was sent. */
class RequestError extends PipeForkAsError {
    constructor(message, cause) {
        super(message, 'ERR_PIPEFORKAS_REQUEST', cause);
    }
}

/** The daemon cannot be reached; nothing was run. `code` is the errno of the system call, for example `ECONNREFUSED`. */
class ConnectionError extends PipeForkAsError {
    constructor(path, code, cause) {
        super(explainConnection(path, code, cause), code, cause);
        this.path = path;
    }
}

/** Somebody other than root can have put the socket there; nothing was sent. */
class UntrustedDaemonError extends PipeForkAsError {
    constructor(path, problem) {
        super(`${problem}; nothing was sent to ${excerpt(path)}`, 'ERR_PIPEFORKAS_UNTRUSTED');
        this.path = path;
    }
}

/**
 * ssh or the host that it reaches failed. If `exit` is 255, the connection can have ended after the request: then it is unknown whether the
 * job ran.
 */
class RemoteHostError extends PipeForkAsError {
    /**
     * @param {string} host
     * @param {number | null} exit the exit status of ssh; null if it has not started or a signal ended it
     * @param {string} words what it wrote to standard error
     */
    constructor(host, exit, words) {
        super(explainRemote(excerpt(host), exit, lastWords(words)), 'ERR_PIPEFORKAS_REMOTE');
        this.host = host;
        this.exit = exit;
    }
}

/** The connection ended before the end record. It is unknown whether the job ran to its end. */
class ReplyCutShortError extends PipeForkAsError {
    constructor(received, cause) {
        super(
            received === 0
                ? 'the daemon closed the connection without a reply; its journal may say why: journalctl -u pipeforkas'
                : `the reply was cut short after ${received} bytes: its end record is missing, and with it how the job ended`
                    + (cause instanceof RemoteHostError ? `; ${cause.message}` : ''),
            'ERR_PIPEFORKAS_CUT_SHORT', cause);
        this.received = received;
    }
}

/** The reply is not one of this protocol. `position` is the byte of the fault. */
class ProtocolViolationError extends PipeForkAsError {
    constructor(position, problem, cause) {
        super(`the reply breaks the protocol at byte ${position}: ${problem}`, 'ERR_PIPEFORKAS_PROTOCOL', cause);
        this.position = position;
    }
}

/** A job wrote more than `maxBuffer`; the daemon cancels it. */
class OutputTooLargeError extends PipeForkAsError {
    constructor(what, maxBuffer) {
        super(`the job wrote ${what}; read it as a stream, or raise maxBuffer`, 'ERR_PIPEFORKAS_TOO_LARGE');
        this.maxBuffer = maxBuffer;
    }
}

/** The input of a job failed, for the reason in `cause`; the daemon cancels the job. */
class InputError extends PipeForkAsError {
    constructor(cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        super(`the input of the job failed: ${excerpt(why)}`, 'ERR_PIPEFORKAS_INPUT', cause);
    }
}

/** The program cancelled the request; the daemon cancels the job. `cause` is the reason of the `AbortSignal`. */
class AbortError extends PipeForkAsError {
    constructor(cause) {
        super('the request was cancelled', 'ABORT_ERR', cause);
    }
}

/** A reply that says that the request did not succeed. `code` is the code of the reply. */
class ReplyError extends PipeForkAsError {
    constructor(message, result) {
        super(message, result.code);
        this.result = result;
        this.exit = result.exit;
        this.signal = result.signal;
        this.error = result.error;
        this.errorType = result.error?.type ?? null;
        this.errno = result.error?.errno ?? null;
    }
}

/** A job did not succeed: it failed, a signal ended it, it timed out, or the daemon did not run it. */
class JobFailedError extends ReplyError {
    /**
     * @param {object} result how the job ended
     * @param {Buffer} [stderr] the standard error of the job, if it was kept
     */
    constructor(result, stderr) {
        super(explainJob(result, stderr), result);
        this.stdout = result.stdout;
        this.stderr = result.stderr;
    }
}

/** The daemon refused an operation other than a job. */
class RequestRefusedError extends ReplyError {
    constructor(result) {
        super(result.message === null ? result.code : `${result.code}: ${escape(result.message)}`, result);
    }
}

function explainRemote(host, exit, words) {
    switch (exit) {
        case null:
            return `a signal ended ssh to ${host}, or it cannot be started${words}`;
        case 0:
            return `the daemon on ${host} closed the connection without a reply; see there: journalctl -u pipeforkas`;
        case 69:
        case 77:
            return `on ${host}${words}`;
        case 125:
            return `the command pipeforkas on ${host} is too old for remote requests${words}; upgrade pipeforkas there`;
        case 126:
            return `the command pipeforkas on ${host} cannot be executed${words}`;
        case 127:
            return `there is no command pipeforkas on ${host}${words}; install pipeforkas there`;
        case 255:
            return `ssh to ${host} failed${words}`;
        default:
            return `pipeforkas dial on ${host} ended with status ${exit}${words}`;
    }
}

/** The end of what ssh wrote, as one line. */
function lastWords(words) {
    const line = words.split('\n').map(part => escape(part.trim())).filter(part => part !== '').join('; ').replace(/^pipeforkas: /, '');
    if (line === '')
        return '';
    return `: ${line.length > 600 ? `...${line.slice(-600)}` : line}`;
}

function explainConnection(path, code, cause) {
    const shown = excerpt(path);
    switch (code) {
        case 'ENOENT':
            return `cannot connect to ${shown}: no such file; is pipeforkas running? See: systemctl status pipeforkas`;
        case 'ECONNREFUSED':
            return `cannot connect to ${shown}: no process listens on it; is pipeforkas running? See: systemctl status pipeforkas`;
        case 'EACCES':
            return `cannot connect to ${shown}: permission denied; check the owner and mode of the socket and its folders`;
        case 'EAGAIN':
            return `cannot connect to ${shown}: the daemon's queue of connections is full; try again later`;
        case 'ENAMETOOLONG':
        case 'ERR_INVALID_ARG_VALUE':
            return `"${shown}" cannot be the path of a socket: unix(7) allows 1 to 107 bytes`;
        default:
            return `cannot connect to ${shown}: ${cause instanceof Error ? excerpt(cause.message) : code}`;
    }
}

function explainJob(result, stderr) {
    const job = result.job === null ? 'the job' : `the job ${excerpt(result.job)}`;
    const message = result.message === null ? '' : `: ${escape(result.message)}`;
    const tail = stderr === undefined ? '' : stderr.subarray(-4096).toString('utf8');
    const last = tail.split('\n').map(line => line.trim()).filter(line => line !== '').pop();
    const wrote = last === undefined ? '' : `; it wrote to standard error: ${excerpt(last)}`;
    return `${job} did not succeed (${result.code})${message}${wrote}`;
}

module.exports = {
    AbortError,
    ConnectionError,
    InputError,
    JobFailedError,
    OutputTooLargeError,
    PipeForkAsError,
    ProtocolViolationError,
    RemoteHostError,
    ReplyCutShortError,
    RequestError,
    RequestRefusedError,
    UntrustedDaemonError,
};
