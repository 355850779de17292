namespace PipeForkAs.Cli.Commands;

/// <summary>Reads the usual command lines of <c>run</c> without System.CommandLine, which takes as long as the rest of the command. What
/// this does not know for certain, such as a mistake, an abbreviation or a request for help, it leaves to System.CommandLine. A test
/// compares both on generated lines.
/// </summary>
internal static class UsualLine
{
    /// <summary>Returns the options; null if System.CommandLine must read the line.</summary>
    /// <param name="args">The words after the program's name.</param>
    public static RunOptions? Parse(ReadOnlySpan<string> args)
    {
        Reader reader = new(args);
        return reader.Read();
    }

    private ref struct Reader(ReadOnlySpan<string> args)
    {
        private readonly ReadOnlySpan<string> args = args;
        private int position;
        private bool isRun;
        private string? job;
        private string? host;
        private string? socket;
        private string? daemonUidWord;
        private uint? daemonUid = 0;
        private string? user;
        private TimeSpan? timeout;
        private List<string>? environment;
        private List<string>? pairs;
        private string? arguments;
        private bool hasNoInput;
        private bool frames;

        public RunOptions? Read()
        {
            for (; position < args.Length; position++)
            {
                string word = args[position];
                if (!IsPlain(word) || !(word[0] == '-' ? TakeOption(word) : TakeWord(word)))
                    return null;
            }

            if (job is null || (pairs is not null && arguments is not null))
                return null;
            return new RunOptions(job)
            {
                Host = host,
                Socket = socket,
                DaemonUid = daemonUid,
                User = user,
                Timeout = timeout,
                Environment = environment ?? [],
                Pairs = pairs ?? [],
                Arguments = arguments,
                HasNoInput = hasNoInput,
                Frames = frames,
            };
        }

        private bool TakeWord(string word)
        {
            if (!isRun)
                return isRun = word == "run";
            if (job is null)
                job = word;
            else
                (pairs ??= []).Add(word);
            return true;
        }

        private bool TakeOption(string word)
        {
            int separator = word.IndexOf('=', StringComparison.Ordinal);
            string name = separator < 0 ? word : word[..separator];
            string? given = separator < 0 ? null : word[(separator + 1)..];
            switch (name)
            {
                case "--host" or "-H":
                    return host is null && Value(given, out host) && HostOption.IsValid(host);
                case "--socket":
                    return socket is null && Value(given, out socket);
                case "--daemon-uid":
                    return daemonUidWord is null && Value(given, out daemonUidWord)
                        && DaemonUidOption.TryParse(daemonUidWord, out daemonUid);
                case "--user" or "-u" when isRun:
                    return user is null && Value(given, out user);
                case "--timeout" or "-t" when isRun:
                    return timeout is null && Value(given, out string? seconds) && Seconds.TryParse(seconds, out timeout);
                case "--args" when isRun:
                    return arguments is null && Value(given, out arguments);
                case "--env" or "-e" when isRun:
                    if (!Value(given, out string? variable))
                        return false;
                    (environment ??= []).Add(variable!);
                    return true;
                case "--frames" when isRun:
                    return !frames && Flag(given, out frames);
                case "--no-stdin" or "-n" when isRun:
                    return !hasNoInput && Flag(given, out hasNoInput);
                default:
                    return false;
            }
        }

        /// <summary>Takes the value of an option: after its '=', or the next word.</summary>
        private bool Value(string? given, out string? value)
        {
            value = given ?? (position + 1 < args.Length ? args[++position] : "");
            return IsPlain(value) && value[0] != '-';
        }

        /// <summary>Takes an option without a value. System.CommandLine also takes the next word for its value if it is a truth value.
        /// </summary>
        private readonly bool Flag(string? given, out bool flag)
        {
            flag = true;
            return given is null && !(position + 1 < args.Length && bool.TryParse(args[position + 1], out _));
        }

        /// <summary>Whether a word is not empty, not another spelling of <c>--help</c>, and was UTF-8: .NET replaces other bytes with
        /// U+FFFD.
        /// </summary>
        private static bool IsPlain(string word)
        {
            if (word.Length == 0 || (word[0] == '/' && word.Length > 1 && word[1] is 'h' or '?'))
                return false;
            foreach (char letter in word)
            {
                if (letter == '\uFFFD')
                    return false;
            }

            return true;
        }
    }
}
