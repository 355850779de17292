namespace PipeForkAs.Daemon.Configuration;

/// <summary>Permissions or a umask in the form of the configuration.</summary>
internal static class PermissionBits
{
    /// <summary>Reads octal digits from 0 to 0777.</summary>
    public static bool TryParse(string text, out uint value)
    {
        value = 0;
        if (text.Length is 0 or > 4)
            return false;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7')
                return false;
            value = (value << 3) | (uint)(digit - '0');
        }

        return value <= 0x1FF;
    }

    /// <summary>Reads octal digits of a checked configuration.</summary>
    public static uint Parse(string text) =>
        TryParse(text, out uint value) ? value : throw new FormatException($"\"{text}\" is not octal digits from 0000 to 0777");
}
