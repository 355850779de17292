namespace PipeForkAs.Files.Jobs;

/// <summary>How much of listings is in memory at once, counted in bytes of the jobs' output; the objects need about four times as much. A
/// user can make folders with millions of entries, and must not end the page, and so the sessions of all, by its memory limit.
/// </summary>
internal sealed class ListingMemory
{
    /// <summary>Of one user: a listing of some 150,000 entries, or several smaller ones.</summary>
    public const long MaxOfUser = 24 << 20;

    /// <summary>Of all users.</summary>
    public const long MaxOfAll = 56 << 20;

    private readonly Lock counting = new();
    private readonly Dictionary<string, long> users = [];
    private long all;

    /// <summary>Begins a listing, which ends when the result is disposed of.</summary>
    public Share Take(Account account) => new(this, account.Name);

    private void Grow(string user, long bytes)
    {
        lock (counting)
        {
            long own = users.GetValueOrDefault(user) + bytes;
            if (own > MaxOfUser)
                throw FileProblem.Of(503, "You open too many large folders at once; try again later");
            if (all + bytes > MaxOfAll)
                throw FileProblem.Of(503, "The page shows too many large folders at the moment; try again later");
            users[user] = own;
            all += bytes;
        }
    }

    private void Return(string user, long bytes)
    {
        lock (counting)
        {
            all -= bytes;
            if (users.TryGetValue(user, out long own) && own > bytes)
                users[user] = own - bytes;
            else
                users.Remove(user);
        }
    }

    /// <summary>The memory of one listing.</summary>
    public sealed class Share(ListingMemory memory, string user) : IDisposable
    {
        private long bytes;

        /// <summary>Counts more bytes.</summary>
        /// <exception cref="FileProblem">They are too many.</exception>
        public void Grow(long more)
        {
            if (bytes + more > MaxOfUser)
                throw FileProblem.Of(413, "There are too many entries to show");
            memory.Grow(user, more);
            bytes += more;
        }

        /// <summary>Returns all of them.</summary>
        public void Dispose()
        {
            if (bytes > 0)
                memory.Return(user, bytes);
            bytes = 0;
        }
    }
}
