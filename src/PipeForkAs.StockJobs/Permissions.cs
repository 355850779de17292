using PipeForkAs.Jobs;

namespace PipeForkAs.StockJobs;

/// <summary>Permissions in octal, as for chmod(1).</summary>
internal static class Permissions
{
    private const uint All = 0x1FF; // 0777

    /// <summary>Reads permissions, 0 to 777; null for none.</summary>
    /// <exception cref="JobArgumentsException">The text is something else.</exception>
    public static uint? Parse(string? text)
    {
        if (text is null)
            return null;
        if (text.Length is 0 or > 4 || text.AsSpan().ContainsAnyExceptInRange('0', '7') || Convert.ToUInt32(text, 8) > All)
            throw new JobArgumentsException($"the mode must be octal, 0 to 777, not \"{text}\"");
        return Convert.ToUInt32(text, 8);
    }
}
