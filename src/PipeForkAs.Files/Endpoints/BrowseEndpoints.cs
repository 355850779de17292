using System.Globalization;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Pages of folders and files.</summary>
internal static class BrowseEndpoints
{
    /// <summary>What the page of a folder says after a change, by a word in its URL: a URL of another site cannot say anything else.
    /// </summary>
    private static readonly Dictionary<string, string> Notes = new()
    {
        ["deleted"] = "Deleted",
        ["renamed"] = "Renamed",
        ["created"] = "Created",
        ["uploaded"] = "Uploaded",
    };

    /// <summary>Shows the home folder, or the path that somebody typed: <c>/files/?path=/srv</c>.</summary>
    public static async Task HomeAsync(Visit visit)
    {
        BytePath? path = BytePath.Home;
        if (visit.Http.Request.Query["path"] is [{ Length: > 0 } typed] && !BytePath.TryOfText(typed, out path))
            throw FileProblem.Of(400, "This cannot be a path");
        await RedirectAsync(visit, path!);
    }

    /// <summary>Shows a folder or a file. The address of a folder ends with a slash.</summary>
    public static async Task BrowseAsync(Visit visit)
    {
        BytePath path = visit.Path;
        if (visit.Http.Request.Path.Value!.EndsWith('/'))
            await ShowFolderAsync(visit, path, visit.Http.Request.QueryString.Value ?? "");
        else
            await ShowAsync(visit, path);
    }

    private static async Task ShowAsync(Visit visit, BytePath path)
    {
        Entry entry = await visit.Jobs.InspectAsync(visit.Account, path, visit.Cancellation);
        if (entry.IsFolder)
            visit.Http.Response.Redirect($"/files/{path.Segment}/");
        else
            await ShowFileAsync(visit, path, entry);
    }

    /// <summary>Sends the browser to the address of the absolute path.</summary>
    private static async Task RedirectAsync(Visit visit, BytePath path)
    {
        Entry entry = await visit.Jobs.InspectAsync(visit.Account, path, visit.Cancellation);
        visit.Http.Response.Redirect($"/files/{(entry.Path ?? path).Segment}{(entry.IsFolder ? "/" : "")}");
    }

    private static async Task ShowFolderAsync(Visit visit, BytePath path, string query)
    {
        try
        {
            using Listing listing = await visit.Jobs.ListAsync(visit.Account, path, visit.Cancellation);
            await ShowFolderAsync(visit, path, query, listing);
        }
        catch (FileProblem problem) when (problem.Kind == "not-a-directory")
        {
            visit.Http.Response.Redirect($"/files/{path.WithoutSlash().Segment}");
        }
    }

    private static async Task ShowFolderAsync(Visit visit, BytePath path, string query, Listing listing)
    {
        if (listing.Path.Segment != path.Segment)
        {
            visit.Http.Response.Redirect($"/files/{listing.Path.Segment}/{query}");
            return;
        }

        IQueryCollection asked = visit.Http.Request.Query;
        await visit.ShowAsync(new ListingPage(visit.Layout, visit.Session, listing, View.Of(asked), Note(asked)).Write());
    }

    private static async Task ShowFileAsync(Visit visit, BytePath path, Entry entry)
    {
        var preview = new Preview(null, false, false);
        if (entry.IsFile)
        {
            await using JobDownload start = await visit.Jobs.ReadAsync(
                visit.Account, path, 0, Preview.MaxBytes, visit.Cancellation);
            await start.FillAsync(Preview.MaxBytes, visit.Cancellation);
            preview = Preview.Of(start.Start.Span, entry.Size <= start.Start.Length);
        }

        await visit.ShowAsync(SmallPages.Preview(visit.Layout, visit.Session, path, entry, preview));
    }

    private static string? Note(IQueryCollection query)
    {
        if (!Notes.TryGetValue(query["done"].ToString(), out string? words))
            return null;
        return int.TryParse(query["count"], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? string.Create(CultureInfo.InvariantCulture, $"{words}: {count}")
            : words;
    }
}
