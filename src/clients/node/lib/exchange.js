'use strict';

const { connect } = require('./connect.js');
const { AbortError, ReplyCutShortError } = require('./errors.js');
const { ReplyParser } = require('./reply.js');

/**
 * How long to wait for the daemon to close the connection after the end record. The wait detects bytes that must not follow; the end of a
 * job must not depend on the close.
 */
const CLOSE_GRACE_MS = 2000;

/**
 * One request and its reply: sends the line and the input while it receives the reply, and checks that the reply is complete.
 */
class Exchange {
    #parser = new ReplyParser();
    #stop = new AbortController();
    #sink;
    #signal;
    #socket = null;
    #grace = null;
    #isOver = false;
    #inputGone = false;

    /** Those who wait until there is a connection to write to. */
    #waiting = [];

    #onAbort = () => this.fail(new AbortError(this.#signal.reason));

    /**
     * @param {Buffer} line the request
     * @param {{ socket?: string, daemonUid?: number | null, signal?: AbortSignal }} options
     * @param {object} sink what takes the reply: `stdout(piece)` and `stderr(piece)` may throw; `hasRoom()` is whether to go on reading,
     * otherwise `resume` must be called; `inputGone()` says that nobody reads the input any more; at last comes either `done(result)` or
     * `failed(error)`, once
     */
    constructor(line, options, sink) {
        this.#sink = sink;
        this.#signal = options.signal;
        this.#run(line, options);
    }

    get isOver() {
        return this.#isOver;
    }

    /** Goes on reading when the sink has room again. */
    resume() {
        this.#socket?.resume();
    }

    /** Sends a piece of the input; `callback` is called when the kernel has taken it. If nobody reads the input, drops it. */
    write(bytes, callback) {
        this.#whenConnected(() => this.#socket.write(bytes, () => callback()), callback);
    }

    /** Ends the input. */
    end(callback) {
        this.#whenConnected(() => this.#socket.end(() => callback()), callback);
    }

    /** Closes the connection, so that the daemon cancels the job. */
    fail(error) {
        if (this.#isOver)
            return;
        this.#close();
        this.#stop.abort(error);
        this.#sink.failed(error);
    }

    async #run(line, options) {
        if (this.#signal?.aborted) {
            // Not before the constructor has returned.
            await null;
            this.#onAbort();
            return;
        }

        this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
        try {
            const socket = await connect(options, this.#stop.signal);
            if (this.#isOver)
                socket.destroy();
            else
                this.#attach(socket, line);
        } catch (failure) {
            // After a failure this only repeats it.
            this.fail(failure);
        }
    }

    #attach(socket, line) {
        this.#socket = socket;
        socket.onPiece = piece => this.#receive(piece);
        socket.onInputGone = () => this.#loseInput();
        socket.on('end', () => this.#finish());
        socket.on('error', failure => this.#finish(failure));
        socket.write(line);
        for (const waiting of this.#waiting.splice(0))
            waiting();
    }

    #receive(piece) {
        if (this.#isOver)
            return false;
        try {
            const { stdout, stderr } = this.#parser.take(piece);
            if (stdout !== null)
                this.#sink.stdout(stdout);
            if (stderr !== null && !this.#isOver)
                this.#sink.stderr(stderr);
            if (this.#parser.end === null)
                return this.#sink.hasRoom();
        } catch (failure) {
            this.fail(failure);
            return false;
        }

        this.#socket.isComplete = true;

        // What follows the end record is not for the sink: whether that takes more does not matter.
        this.#loseInput();
        this.#grace ??= setTimeout(() => this.#finish(), CLOSE_GRACE_MS);
        return true;
    }

    /** The daemon closed the connection: before it read all of the input, that is a reset. */
    #finish(cause) {
        if (this.#isOver)
            return;
        if (this.#parser.end === null && this.#socket.explain !== undefined) {
            this.#socket.explain(this.#parser.position).then(error => this.fail(error));
            return;
        }

        if (this.#parser.end === null) {
            this.fail(new ReplyCutShortError(this.#parser.position, cause));
            return;
        }

        this.#close();
        this.#sink.done(this.#parser.end);
    }

    #loseInput() {
        if (this.#inputGone || this.#isOver)
            return;
        this.#inputGone = true;
        this.#sink.inputGone();
    }

    #whenConnected(action, otherwise) {
        const act = () => (this.#isOver || this.#inputGone ? otherwise() : action());
        if (this.#socket === null && !this.#isOver)
            this.#waiting.push(act);
        else
            act();
    }

    #close() {
        this.#isOver = true;
        clearTimeout(this.#grace);
        this.#signal?.removeEventListener('abort', this.#onAbort);
        this.#socket?.destroy();
        for (const waiting of this.#waiting.splice(0))
            waiting();
    }
}

module.exports = { Exchange };
