'use strict';

const { Readable, Writable } = require('node:stream');

const { AbortError, InputError, JobFailedError } = require('./errors.js');
const { Exchange } = require('./exchange.js');
const { pump } = require('./input.js');

/** So many bytes of one output wait for their reader, as in a pipe; then the client reads no more, and the job waits. */
const PIPE_SIZE = 64 * 1024;

/** Listens to errors that the program gets in another way. */
const ignore = () => {};

/** A running job: its streams, and how it ends. */
class Job {
    #exchange;
    #result;
    #stopInput = () => {};

    /** The standard input of the job; null if there is an `input`. */
    stdin = null;

    /** The standard output of the job. */
    stdout;

    /** The standard error of the job. */
    stderr;

    constructor(line, connection, source, check, encoding) {
        let resolve, reject;
        this.#result = new Promise((resolved, rejected) => {
            resolve = resolved;
            reject = rejected;
        });

        // A program that reads the outputs alone gets the error there: see Output.
        this.#result.catch(ignore);
        const owner = {
            drained: () => this.#hasRoom() && this.#exchange.resume(),
            closed: failure => this.#exchange.fail(toReason(failure)),
        };
        this.stdout = new Output(owner, encoding);
        this.stderr = new Output(owner, encoding);
        this.#exchange = new Exchange(line, connection, {
            stdout: piece => this.stdout.take(piece),
            stderr: piece => this.stderr.take(piece),
            hasRoom: () => this.#hasRoom(),
            inputGone: () => this.#endInput(),
            done: result => {
                const failure = check && result.code !== 'ok' ? new JobFailedError(result) : null;
                this.#endInput();
                this.stdout.finish(failure);
                this.stderr.finish(null);
                if (failure === null)
                    resolve(result);
                else
                    reject(failure);
            },
            failed: failure => {
                this.#endInput();
                this.stdout.finish(failure);

                // Once is enough: an error to which nobody listens ends the program.
                this.stderr.destroy();
                reject(failure);
            },
        });
        if (source === null)
            this.stdin = new Input(this.#exchange);
        else
            this.#stopInput = pump(source, this.#exchange, failure => this.#exchange.fail(new InputError(failure)));
    }

    /** How the job ended. */
    get result() {
        // Who asks here learns of a failure here, and need not listen at each stream.
        for (const stream of [this.stdin, this.stdout, this.stderr]) {
            if (stream !== null && !stream.listeners('error').includes(ignore))
                stream.on('error', ignore);
        }

        return this.#result;
    }

    /** Closes the connection, so that the daemon cancels the job. */
    cancel() {
        this.#exchange.fail(new AbortError());
    }

    #hasRoom() {
        return this.stdout.hasRoom && this.stderr.hasRoom;
    }

    #endInput() {
        this.#stopInput();
        this.stdin?.close();
    }
}

/** Why a stream was closed before its end: leaving a loop over it gives an error of Node's own. */
function toReason(failure) {
    return failure === null || failure === undefined || failure.name === 'AbortError' ? new AbortError(failure?.cause) : failure;
}

/**
 * An output of a job. It ends only after a complete reply; standard output, unless the program said `check: false`, only if the job
 * succeeded.
 */
class Output extends Readable {
    #owner;
    #pieces = [];
    #length = 0;
    #isWanted = false;
    #isFinished = false;
    #failure = null;

    /**
     * @param {{ drained: () => void, closed: (failure: Error | null) => void }} owner learns when the stream has room again, and when it
     * is closed before its end
     * @param {BufferEncoding | undefined} encoding
     */
    constructor(owner, encoding) {
        // Nothing waits in the stream itself, because an error would discard it.
        super({ highWaterMark: 0, encoding });
        this.#owner = owner;
    }

    get hasRoom() {
        return this.#length < PIPE_SIZE;
    }

    /** Takes a piece of the reply. */
    take(piece) {
        this.#pieces.push(piece);
        this.#length += piece.length;
        this.#deliver();
    }

    /** Ends the stream when everything is read, with an error or without. Without a reader there is nobody to hear of an error. */
    finish(failure) {
        this.#isFinished = true;
        this.#failure = failure;
        this.#deliver();
    }

    _read() {
        this.#isWanted = true;
        this.#deliver();
    }

    _destroy(failure, callback) {
        this.#pieces = [];
        if (!this.#isFinished)
            this.#owner.closed(failure);
        callback(failure);
    }

    #deliver() {
        if (!this.#isWanted || this.destroyed)
            return;
        if (this.#pieces.length > 0) {
            const piece = this.#pieces.shift(), hadRoom = this.hasRoom;
            this.#length -= piece.length;
            this.#isWanted = false;
            if (!hadRoom)
                this.#owner.drained();
            this.push(piece);

            // A piece that is a part of a character is no text yet, for which the stream, which keeps nothing, would wait.
            if (this.readableEncoding !== null && this.readableLength === 0)
                process.nextTick(() => this.read(0));
        } else if (this.#failure !== null) {
            this.destroy(this.#failure);
        } else if (this.#isFinished) {
            this.push(null);
        }
    }
}

/** The input of a job. */
class Input extends Writable {
    #exchange;
    #isClosed = false;

    constructor(exchange) {
        super({ highWaterMark: PIPE_SIZE });
        this.#exchange = exchange;
    }

    /** Nobody reads the input any more. */
    close() {
        this.#isClosed = true;
        this.destroy();
    }

    _write(chunk, encoding, callback) {
        this.#exchange.write(chunk, callback);
    }

    _final(callback) {
        this.#exchange.end(callback);
    }

    _destroy(failure, callback) {
        // A job must not take for its whole input what a program gave up to write.
        if (!this.#isClosed && !this.writableFinished)
            this.#exchange.fail(failure ? new InputError(failure) : new AbortError());
        callback(failure);
    }
}

module.exports = { Job };
