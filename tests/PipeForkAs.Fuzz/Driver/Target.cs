using System.Globalization;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>A part of the product that reads untrusted input, with the properties of every input.</summary>
internal abstract class Target
{
    /// <summary>How often an input that costs too much is repeated: one-time allocations do not count.</summary>
    private const int Attempts = 3;

    /// <summary>The name on the command line and of the corpus folder.</summary>
    public abstract string Name { get; }

    /// <summary>The longest generated input in bytes. The corpus may contain longer ones.</summary>
    public virtual int MaxLength => 4096;

    /// <summary>Bytes of memory allowed per byte of input.</summary>
    public virtual int BytesForEach => 64;

    /// <summary>Bytes of memory allowed for an input of any length: an exception, its text, a table or two.</summary>
    public virtual int BytesForAll => 32 * 1024;

    /// <summary>Passes an input to the product. The target catches exceptions that the product documents; any other is a finding.</summary>
    /// <exception cref="FindingException">A property is violated.</exception>
    public abstract void Try(Trial trial);

    /// <summary>Tests an input, including its cost.</summary>
    /// <returns>Whether the product accepted it.</returns>
    /// <exception cref="FindingException">A property is violated.</exception>
    public bool Check(byte[] input)
    {
        long allowed = BytesForAll + ((long)BytesForEach * input.Length);
        for (int attempt = 1; ; attempt++)
        {
            var trial = new Trial(input);
            Try(trial);
            if (trial.Allocated <= allowed)
                return trial.Accepted;
            if (attempt == Attempts)
            {
                throw new FindingException(string.Create(
                    CultureInfo.InvariantCulture, $"{input.Length} bytes cost {trial.Allocated} bytes of memory, {allowed} are allowed"));
            }
        }
    }
}
