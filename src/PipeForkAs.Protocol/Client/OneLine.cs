namespace PipeForkAs.Protocol.Client;

/// <summary>Makes what a client sent fit for a message: short, and without control characters, which could forge a line of a log or steer a terminal.</summary>
internal static class OneLine
{
    private const int MaxLength = 200;

    public static string Of(string text)
    {
        string cut = text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), "...");
        return string.Create(cut.Length, cut, static (line, source) =>
        {
            for (int i = 0; i < line.Length; i++)
                line[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
        });
    }
}
