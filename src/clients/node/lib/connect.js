'use strict';

const fs = require('node:fs/promises');
const net = require('node:net');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const { ConnectionError, RequestError, UntrustedDaemonError } = require('./errors.js');
const { isUid } = require('./request.js');
const { connectBySsh, hostOf } = require('./ssh.js');
const { excerpt } = require('./text.js');

const DEFAULT_SOCKET = '/run/pipeforkas/pipeforkas.sock';
const MAX_PATH_BYTES = 107;

/**
 * How long to wait while the queue of connections is full. connect(2) of a socket that does not block, as those of Node, then fails with
 * EAGAIN.
 */
const QUEUE_TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

/** Slightly more than a pipe or a socket returns at once. */
const BUFFER_SIZE = 64 * 1024;

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * A connection whose reply is not lost when the daemon reads no more: it then refuses the request, or the job ended. A plain net.Socket
 * destroys itself at EPIPE or ECONNRESET of a write, with all that it has yet to read.
 */
class DaemonSocket extends net.Socket {
    /** Gets each piece of the reply; returns whether to go on reading. */
    onPiece = () => true;

    /** Called when the daemon reads no more. */
    onInputGone = () => {};

    constructor() {
        const buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);

        // With `onread` nothing is kept in the stream, where an ECONNRESET would discard it.
        const callback = count => this.onPiece(Buffer.from(buffer.subarray(0, count)));
        super({ allowHalfOpen: true, onread: { buffer, callback } });
    }

    _write(chunk, encoding, callback) {
        super._write(chunk, encoding, failure => this.#written(failure, callback));
    }

    _writev(chunks, callback) {
        super._writev(chunks, failure => this.#written(failure, callback));
    }

    _final(callback) {
        super._final(failure => this.#written(failure, callback));
    }

    #written(failure, callback) {
        if (!['EPIPE', 'ECONNRESET', 'ENOTCONN'].includes(failure?.code)) {
            callback(failure);
            return;
        }

        callback();
        this.onInputGone();
    }
}

/**
 * Connects to the daemon of this machine, after it has checked that only root can have put the socket there, or to that of another host.
 * @param {{ socket?: string, daemonUid?: number | null }} options
 * @param {AbortSignal} signal
 * @returns {Promise<DaemonSocket | import('./ssh.js').SshConnection>}
 */
async function connect(options, signal) {
    const given = options.socket || process.env.PIPEFORKAS_SOCKET || DEFAULT_SOCKET;
    const daemonUid = options.daemonUid === undefined ? 0 : options.daemonUid;
    if (typeof given !== 'string')
        throw new RequestError('"socket" must be a path');
    if (daemonUid !== null && !isUid(daemonUid))
        throw new RequestError('"daemonUid" must be a uid, or null for any');
    const host = hostOf(options.socket);
    if (host !== null)
        return connectBySsh(host, daemonUid, signal);

    const place = await resolve(given);
    if (daemonUid !== null)
        await demandOwner(given, place, daemonUid);

    const start = performance.now();
    for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        try {
            return await connectOnce(place, signal);
        } catch (failure) {
            if (failure.code !== 'EAGAIN' || performance.now() - start >= QUEUE_TIMEOUT_MS)
                throw signal.aborted ? failure : new ConnectionError(given, failure.code, failure);
        }

        // No event reports that the queue has room.
        await sleep(pause, undefined, { signal });
    }
}

/** Follows links once: what is checked is what is connected to. Node would cut a longer path, and connect to another one. */
async function resolve(given) {
    let place;
    try {
        place = await fs.realpath(given);
    } catch (failure) {
        throw new ConnectionError(given, failure.code, failure);
    }

    if (Buffer.byteLength(place) > MAX_PATH_BYTES)
        throw new ConnectionError(given, 'ENAMETOOLONG');
    return place;
}

/**
 * Node cannot ask the kernel who listens (SO_PEERCRED needs native code). But bind(2) gives a socket to the user that creates it, and who
 * cannot write to the folders above cannot put another one there.
 */
async function demandOwner(given, place, daemonUid) {
    const folders = [];
    for (let folder = path.dirname(place); ; folder = path.dirname(folder)) {
        folders.push(folder);
        if (folder === path.dirname(folder))
            break;
    }

    const [socket, ...above] = await Promise.all([place, ...folders].map(name => stat(given, name)));
    if (socket.uid !== daemonUid)
        throw new UntrustedDaemonError(given, `the socket belongs to uid ${socket.uid}, expected is uid ${daemonUid}`);

    above.forEach((folder, height) => {
        if (folder.uid !== 0 && folder.uid !== daemonUid)
            throw new UntrustedDaemonError(given, `a folder above the socket belongs to uid ${folder.uid}: ${excerpt(folders[height])}`);

        // In a sticky folder nobody can replace what belongs to root, which is checked of everything in these folders that leads here.
        const isSafe = (folder.mode & GROUP_OR_OTHERS_WRITE) === 0 || (height > 0 && (folder.mode & STICKY) !== 0);
        if (!isSafe)
            throw new UntrustedDaemonError(given, `others than root can write to a folder above the socket: ${excerpt(folders[height])}`);
    });
}

async function stat(given, name) {
    try {
        return await fs.lstat(name);
    } catch (failure) {
        throw new ConnectionError(given, failure.code, failure);
    }
}

function connectOnce(place, signal) {
    return new Promise((resolved, rejected) => {
        const socket = new DaemonSocket();
        const abort = () => socket.destroy(signal.reason);
        const fail = failure => {
            signal.removeEventListener('abort', abort);
            rejected(failure);
        };
        signal.throwIfAborted();
        signal.addEventListener('abort', abort, { once: true });
        socket.once('error', fail);
        socket.once('connect', () => {
            signal.removeEventListener('abort', abort);
            socket.removeListener('error', fail);
            resolved(socket);
        });
        socket.connect({ path: place });
    });
}

module.exports = { connect };
