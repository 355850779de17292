using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>The only place that turns -1 into an error.</summary>
internal static class Check
{
    /// <summary>Returns a result that is not -1.</summary>
    /// <exception cref="SystemCallException">The result is -1; the exception contains errno, and the call with its arguments.</exception>
    public static int Result(int result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call) =>
        result != -1 ? result : throw new SystemCallException(call.ToString(), call.Errno);

    /// <summary>Checks a result that is the error number itself, as posix_spawn and getpwnam_r return it.</summary>
    public static void ErrorNumber(int errno, string call)
    {
        if (errno != 0)
            throw new SystemCallException(call, new Errno(errno));
    }

    /// <summary>Does the same; builds the call's text only after a failure.</summary>
    public static void ErrorNumber(int errno, Func<string> call)
    {
        if (errno != 0)
            throw new SystemCallException(call(), new Errno(errno));
    }

    /// <summary>Returns a count, or the errno if the count is -1.</summary>
    public static IOResult Count(long result) => new(result >= 0 ? result : -LastErrno.Value);

    /// <summary>The errno of the last call on this thread.</summary>
    public static Errno LastErrno => new(Marshal.GetLastPInvokeError());

    /// <summary>Returns a string that C can represent.</summary>
    /// <exception cref="ArgumentException">The string contains a NUL, which would be its end in C.</exception>
    public static string NoNul(string value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        // Not a search method of .NET, whose code a worker would have to map for a few short strings.
        foreach (char letter in value)
        {
            if (letter == '\0')
                throw new ArgumentException("the string contains a NUL character", name);
        }

        return value;
    }

    /// <summary>Formats permission bits as for chmod(1), for example 0750.</summary>
    public static string Octal(uint mode) => "0" + Convert.ToString(mode, 8);

    /// <summary>Builds the text of a call only if it failed: a successful call allocates nothing. Saves errno before it builds the text,
    /// because formatting an argument may make calls too. It does not use .NET's handler, which takes an array pool, and that starts
    /// Random.Shared. In a job host, where a fork may fail as in any process, all later workers would share it.
    /// </summary>
    [InterpolatedStringHandler]
    public ref struct CallText
    {
        private string? text;

#pragma warning disable IDE0060 // The compiler passes both.
        public CallText(int literalLength, int formattedCount, int result, out bool isNeeded)
#pragma warning restore IDE0060
        {
            isNeeded = result == -1;
            Errno = isNeeded ? LastErrno : Errno.None;
        }

        /// <summary>The errno of the failed call.</summary>
        public Errno Errno { get; }

        public void AppendLiteral(string value) => text += value;

        public void AppendFormatted<T>(T value, string? format = null) =>
            text += value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString();

        public override readonly string ToString() => text ?? "";
    }
}
