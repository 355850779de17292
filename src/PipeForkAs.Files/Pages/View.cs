using System.Globalization;
using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Pages;

/// <summary>Which entries of a folder a page shows, and in which order.</summary>
/// <param name="Sort">name, size or modified.</param>
/// <param name="IsDescending">Whether the last comes first.</param>
/// <param name="Find">A part of the names; empty for all.</param>
/// <param name="Number">The number of the page, from 1 on.</param>
internal sealed record View(string Sort, bool IsDescending, string Find, int Number)
{
    /// <summary>The entries of one page: the page stays small, and a browser shows it at once.</summary>
    public const int PageSize = 200;

    /// <summary>The orders.</summary>
    public static readonly string[] Sorts = ["name", "size", "modified"];

    /// <summary>Reads the query of a URL; what is not valid has its default.</summary>
    public static View Of(IQueryCollection query) => new(
        Sorts.Contains(query["sort"].ToString()) ? query["sort"].ToString() : "name",
        query["desc"] == "1",
        query["find"].ToString() is { Length: <= 255 } find ? find : "",
        int.TryParse(query["page"], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : 1);

    /// <summary>Selects and sorts entries: folders first.</summary>
    public IReadOnlyList<Entry> Arrange(IReadOnlyList<Entry> all)
    {
        var found = new List<Entry>(all.Count);
        foreach (Entry entry in all)
        {
            if (Find.Length == 0 || entry.Text.Contains(Find, StringComparison.OrdinalIgnoreCase))
                found.Add(entry);
        }

        found.Sort(Compare);
        return found;
    }

    /// <summary>The query of the URL of another page, order or selection.</summary>
    public string Query(int page = 1, string? sort = null, bool? isDescending = null)
    {
        string order = sort ?? Sort;
        string query = $"?sort={order}{((isDescending ?? IsDescending) ? "&desc=1" : "")}";
        if (Find.Length > 0)
            query += $"&find={Uri.EscapeDataString(Find)}";
        return page > 1 ? string.Create(CultureInfo.InvariantCulture, $"{query}&page={page}") : query;
    }

    private int Compare(Entry one, Entry other)
    {
        if (one.IsFolder != other.IsFolder)
            return one.IsFolder ? -1 : 1;
        int order = Sort switch
        {
            "size" => Nullable.Compare(one.Size, other.Size),
            "modified" => Nullable.Compare(one.Modified, other.Modified),
            _ => 0,
        };
        if (order == 0)
            order = string.Compare(one.Text, other.Text, StringComparison.OrdinalIgnoreCase);
        if (order == 0)
            order = one.Name.AsSpan().SequenceCompareTo(other.Name);
        return IsDescending ? -order : order;
    }
}
