using System.Text;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Reads an input as a series of choices. After its end all choices are the first ones, so every input is valid.</summary>
/// <param name="input">The bytes.</param>
internal sealed class Choices(byte[] input)
{
    private int position;

    /// <summary>Whether all bytes were read.</summary>
    public bool AtEnd => position >= input.Length;

    /// <summary>A number from 0 to one less than <paramref name="count"/>, at most 256.</summary>
    public int Below(int count) => Next() % count;

    /// <summary>One of several.</summary>
    public T Of<T>(T[] values) => values[Below(values.Length)];

    /// <summary>True for one of this number of byte values.</summary>
    public bool Once(int times) => Below(times) == times - 1;

    /// <summary>A text of up to 31 bytes of the input; invalid UTF-8 becomes U+FFFD.</summary>
    public string Text()
    {
        int length = Math.Min(Next() % 32, Math.Max(0, input.Length - position));
        string text = Encoding.UTF8.GetString(input, position, length);
        position += length;
        return text;
    }

    /// <summary>The unread rest.</summary>
    public byte[] Rest()
    {
        byte[] rest = AtEnd ? [] : input[position..];
        position = input.Length;
        return rest;
    }

    private byte Next() => AtEnd ? (byte)0 : input[position++];
}
