'use strict';

/** Characters that end a line, control a terminal, change the order of text, or cannot be seen. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/gu;

const NAMED = new Map([['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t']]);

/** Returns untrusted text as one line that is safe to show in a terminal or a log, escaped as the daemon and the command do. */
function escape(text) {
    return text.replace(HARMFUL, character => NAMED.get(character) ?? hex(character.codePointAt(0)));
}

/** Returns the beginning of untrusted text, escaped, of at most 200 characters. */
function excerpt(text) {
    const line = escape(text.slice(0, 201));
    return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

function hex(code) {
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

module.exports = { escape, excerpt };
