using System.Text;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>A path by its text alone, in one spelling: <c>/</c> at the beginning and after each name, and nowhere else.</summary>
internal static class FolderPath
{
    /// <summary>Returns the one spelling; null if the path is not absolute, or contains ".." or NUL.</summary>
    public static string? Of(string path)
    {
        if (path.Length == 0 || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
            return null;
        var plain = new StringBuilder("/", path.Length + 1);
        foreach (Range part in path.AsSpan().Split('/'))
        {
            ReadOnlySpan<char> name = path.AsSpan(part);
            if (name is "..")
                return null;
            if (name is not ("" or "."))
                plain.Append(name).Append('/');
        }

        return plain.ToString();
    }
}
