namespace PipeForkAs.LibC;

/// <summary>The descriptors that posix_spawn maps, arranged so that no mapping overwrites the source of a later one. The child's dup2 calls
/// run one after the other, and a source may have a number that is the target of another. Such a source gets a copy above all targets.
/// </summary>
internal sealed class SpawnSources : IDisposable
{
    private readonly List<FileDescriptor> copies = [];
    private readonly List<(FileDescriptor Source, int Target)> mapped = [];

    public SpawnSources(IReadOnlyList<(FileDescriptor Source, int Target)> descriptors)
    {
        int aboveAll = 1 + descriptors.Select(mapping => mapping.Target).DefaultIfEmpty(-1).Max();
        try
        {
            foreach ((FileDescriptor source, int target) in descriptors)
            {
                bool overwritten = descriptors.Any(other => other.Target == source.Number && other.Target != target);
                mapped.Add((overwritten ? Copy(source, aboveAll) : source, target));
            }
        }
        catch (SystemCallException)
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<(FileDescriptor Source, int Target)> Mapped => mapped;

    public void Dispose() => copies.ForEach(copy => copy.Dispose());

    private FileDescriptor Copy(FileDescriptor source, int lowest)
    {
        FileDescriptor copy = Libc.dup_from(source, lowest);
        copies.Add(copy);
        return copy;
    }
}
