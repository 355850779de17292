using System.Globalization;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>A part of the product that reads what others wrote, with the properties that hold for every input.</summary>
internal abstract class Target
{
    /// <summary>How often an input is tried that costs too much: what is made once, for all inputs, is not its cost.</summary>
    private const int Attempts = 3;

    /// <summary>The name on the command line, and of the folder of its corpus.</summary>
    public abstract string Name { get; }

    /// <summary>The longest input in bytes that is generated. The corpus may hold longer ones.</summary>
    public virtual int MaxLength => 4096;

    /// <summary>Bytes of memory that a byte of input may cost.</summary>
    public virtual int BytesForEach => 64;

    /// <summary>Bytes of memory that an input may cost whatever its length: an exception, its text, a table or two.</summary>
    public virtual int BytesForAll => 32 * 1024;

    /// <summary>Gives an input to the product. The target catches exceptions that the product documents; any other is a finding.</summary>
    /// <exception cref="FindingException">A property does not hold.</exception>
    public abstract void Try(Trial trial);

    /// <summary>Tries an input, its cost included.</summary>
    /// <returns>Whether the product accepted it.</returns>
    /// <exception cref="FindingException">A property does not hold.</exception>
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
