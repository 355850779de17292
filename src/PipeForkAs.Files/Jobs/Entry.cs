using PipeForkAs.Files.Paths;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Jobs;

/// <summary>A file, a folder or another entry of a folder.</summary>
internal sealed class Entry(EntryResult result)
{
    /// <summary>The name of the kind of folders.</summary>
    public const string Folder = "directory";

    private string? text;

    /// <summary>The name as the kernel has it.</summary>
    public byte[] Name { get; } = BytePath.NameOf(result.Name, result.NameBytes);

    /// <summary>The name for people.</summary>
    public string Text => text ??= UntrustedText.Escape(Name);

    /// <summary>Whether it is a folder; a link to a folder is not.</summary>
    public bool IsFolder => result.Kind == Folder;

    /// <summary>Whether it is a file that can be read.</summary>
    public bool IsFile => result.Kind == "regular";

    /// <summary>The kind; null if the user may not inspect the entry.</summary>
    public string? Kind => result.Kind;

    /// <summary>The absolute path; only the result of an inspection has one.</summary>
    public BytePath? Path =>
        result.Path is { } path && BytePath.TryOfResult(path, result.PathBytes, out BytePath? absolute) ? absolute.WithoutSlash() : null;

    /// <summary>The size in bytes.</summary>
    public long? Size => result.Size;

    /// <summary>The permissions in octal.</summary>
    public string? Mode => result.Mode;

    /// <summary>The name of the owner.</summary>
    public string? Owner => result.Owner;

    /// <summary>The time of the last change, UTC.</summary>
    public DateTime? Modified => result.Modified;
}

/// <summary>A folder with its entries.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="Entries">All entries.</param>
/// <param name="Memory">Their memory; the listing owns it.</param>
internal sealed record Listing(BytePath Path, IReadOnlyList<Entry> Entries, ListingMemory.Share Memory) : IDisposable
{
    /// <summary>Returns the memory.</summary>
    public void Dispose() => Memory.Dispose();
}
