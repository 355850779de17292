using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>The one place where -1 becomes an error.</summary>
internal static class Check
{
    /// <summary>Returns a result that is not -1.</summary>
    /// <exception cref="SystemCallException">The result is -1; it holds errno, and the call with its arguments.</exception>
    public static int Result(int result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call) =>
        result != -1 ? result : throw new SystemCallException(call.ToString(), call.Errno);

    /// <summary>Checks a result that is the error number itself, as that of posix_spawn and getpwnam_r.</summary>
    public static void ErrorNumber(int errno, string call)
    {
        if (errno != 0)
            throw new SystemCallException(call, new Errno(errno));
    }

    /// <summary>The same; the call's text is made where it is needed.</summary>
    public static void ErrorNumber(int errno, Func<string> call)
    {
        if (errno != 0)
            throw new SystemCallException(call(), new Errno(errno));
    }

    /// <summary>Keeps a count, or turns -1 into its errno.</summary>
    public static IOResult Count(long result) => new(result >= 0 ? result : -LastErrno.Value);

    /// <summary>The errno of the last call on this thread.</summary>
    public static Errno LastErrno => new(Marshal.GetLastPInvokeError());

    /// <summary>A string that C can hold.</summary>
    /// <exception cref="ArgumentException">It holds a NUL, behind which C would see nothing.</exception>
    public static string NoNul(string value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        // Not a search of .NET's, whose code a worker would have to map for a few short strings.
        foreach (char letter in value)
        {
            if (letter == '\0')
                throw new ArgumentException("the string holds a NUL character", name);
        }

        return value;
    }

    /// <summary>Permission bits as chmod(1) takes them, for example 0750.</summary>
    public static string Octal(uint mode) => "0" + Convert.ToString(mode, 8);

    /// <summary>
    /// Builds the text of a call only when it failed: a successful call allocates nothing. It keeps errno before the text is
    /// built, since what formats an argument may make calls of its own. Not with .NET's handler: that takes an array pool, which starts
    /// Random.Shared, and in a job host, where a fork may fail as in any process, all later workers would share it.
    /// </summary>
    [InterpolatedStringHandler]
    public ref struct CallText
    {
        private string? text;

#pragma warning disable IDE0060 // The compiler gives both.
        public CallText(int literalLength, int formattedCount, int result, out bool isNeeded)
#pragma warning restore IDE0060
        {
            isNeeded = result == -1;
            Errno = isNeeded ? LastErrno : Errno.None;
        }

        /// <summary>Why the call failed.</summary>
        public Errno Errno { get; }

        public void AppendLiteral(string value) => text += value;

        public void AppendFormatted<T>(T value, string? format = null) =>
            text += value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString();

        public override readonly string ToString() => text ?? "";
    }
}
