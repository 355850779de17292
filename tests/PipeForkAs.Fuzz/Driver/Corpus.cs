using System.Security.Cryptography;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>The stored inputs of a target: those written by hand, and those that take branches that no other input takes.</summary>
internal static class Corpus
{
    /// <summary>The inputs in folders, the shortest first.</summary>
    public static IReadOnlyList<(string Path, byte[] Input)> Read(IEnumerable<string> folders) =>
    [
        .. folders.Where(Directory.Exists).SelectMany(Directory.GetFiles).Select(path => (Path: path, Input: File.ReadAllBytes(path)))
            .OrderBy(file => file.Input.Length).ThenBy(file => file.Path, StringComparer.Ordinal),
    ];

    /// <summary>
    /// Keeps in the first folder the inputs that together take every branch that any input takes. Files that a person named stay.
    /// </summary>
    /// <returns>The edges taken, and the files kept.</returns>
    public static (int Edges, int Files) Minimize(Target target, IReadOnlyList<string> folders)
    {
        string kept = Path.GetFullPath(folders[0]);
        Directory.CreateDirectory(kept);
        IReadOnlyList<(string Path, byte[] Input)> all = Read(folders);
        var taken = new HashSet<int>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string path, byte[] input) in all.OrderByDescending(file => IsNamed(file.Path)))
        {
            bool isNew = AddsTo(taken, Coverage.Of(target, input));
            if (Path.GetDirectoryName(Path.GetFullPath(path)) == kept && IsNamed(path))
                names.Add(Path.GetFileName(path));
            else if (isNew)
                names.Add(Write(kept, input));
        }

        foreach (string path in Directory.GetFiles(kept).Where(path => !names.Contains(Path.GetFileName(path))))
            File.Delete(path);
        return (taken.Count, names.Count);
    }

    private static bool AddsTo(HashSet<int> taken, HashSet<int> edges)
    {
        int before = taken.Count;
        taken.UnionWith(edges);
        return taken.Count > before;
    }

    private static string Write(string folder, byte[] input)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(input))[..16];
        File.WriteAllBytes(Path.Combine(folder, name), input);
        return name;
    }

    /// <summary>Whether a person named the file: the other names are hashes, with 40 digits from libFuzzer and 16 here.</summary>
    private static bool IsNamed(string path) =>
        Path.GetFileName(path) is not { Length: 16 or 40 } name || !name.All(char.IsAsciiHexDigitLower);
}
