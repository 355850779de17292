'use strict';

/** Bytes that grow up to a limit: in one piece, because a list of a million small pieces takes far more memory than their bytes. */
class GrowingBuffer {
    #bytes = Buffer.alloc(0);
    #length = 0;
    #limit;

    constructor(limit) {
        this.#limit = limit;
    }

    get length() {
        return this.#length;
    }

    /** Adds a piece. Returns false, and adds nothing, if the limit would be exceeded. */
    add(piece) {
        const length = this.#length + piece.length;
        if (length > this.#limit)
            return false;
        if (length > this.#bytes.length) {
            const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length, 1024)));
            this.#bytes.copy(larger, 0, 0, this.#length);
            this.#bytes = larger;
        }

        piece.copy(this.#bytes, this.#length);
        this.#length = length;
        return true;
    }

    /** The bytes so far, without a copy. */
    bytes() {
        return this.#bytes.subarray(0, this.#length);
    }

    clear() {
        this.#bytes = Buffer.alloc(0);
        this.#length = 0;
    }
}

module.exports = { GrowingBuffer };
