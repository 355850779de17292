using System.Globalization;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>
/// One input on its way through the product. Targets wrap calls of the product in <see cref="Measured"/>: only these count as its cost.
/// </summary>
/// <param name="input">The bytes.</param>
internal sealed class Trial(byte[] input)
{
    public byte[] Input => input;

    /// <summary>Bytes that the product has allocated.</summary>
    public long Allocated { get; private set; }

    /// <summary>Whether the product accepted the input; it refuses other inputs in the documented way.</summary>
    public bool Accepted { get; private set; }

    /// <summary>Calls the product.</summary>
    public T Measured<T>(Func<T> product)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            return product();
        }
        finally
        {
            Allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    /// <summary>Records that the product accepted the input.</summary>
    public void Accept() => Accepted = true;

    /// <summary>Checks a property.</summary>
    /// <exception cref="FindingException">The property is violated.</exception>
    public static void Holds(bool property, string words)
    {
        if (!property)
            throw new FindingException(words);
    }

    /// <summary>Checks that a reason is safe for a log line and a terminal.</summary>
    /// <exception cref="FindingException">The reason is not safe.</exception>
    public static void IsReason(string reason, int longest = 1000)
    {
        Holds(reason.Length > 0 && reason.Length <= longest, $"the reason has {reason.Length} characters, not 1 to {longest}");
        foreach (char letter in reason)
        {
            if (char.IsControl(letter) || letter is '\u2028' or '\u2029' or '\u202e')
                throw new FindingException(string.Create(CultureInfo.InvariantCulture, $"the reason holds U+{(int)letter:X4}: {reason}"));
        }
    }
}
