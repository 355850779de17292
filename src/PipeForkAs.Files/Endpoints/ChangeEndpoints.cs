using System.Text;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;

namespace PipeForkAs.Files.Endpoints;

/// <summary>New folders, new names and removals, by forms.</summary>
internal static class ChangeEndpoints
{
    /// <summary>Creates a folder.</summary>
    public static async Task CreateFolderAsync(Visit visit)
    {
        IFormCollection form = await visit.ReadFormAsync();
        BytePath folder = Folder(visit, form);
        await visit.Jobs.CreateFolderAsync(visit.Account, folder.Join(NewName(form)), visit.Cancellation);
        visit.ShowFolder(folder, "created");
    }

    /// <summary>Shows the form for what to do with the selected entries.</summary>
    public static async Task SelectAsync(Visit visit)
    {
        IFormCollection form = await visit.ReadFormAsync();
        BytePath folder = Folder(visit, form);
        List<byte[]> names = Names(form);
        if (form["action"] == "delete")
            await visit.ShowAsync(SmallPages.Delete(visit.Layout, visit.Session, folder, names));
        else if (names.Count == 1)
            await visit.ShowAsync(SmallPages.Rename(visit.Layout, visit.Session, folder, names[0]));
        else
            throw FileProblem.Of(400, "Select one entry to rename it");
    }

    /// <summary>Gives an entry a new name in the same folder.</summary>
    public static async Task RenameAsync(Visit visit)
    {
        IFormCollection form = await visit.ReadFormAsync();
        BytePath folder = Folder(visit, form);
        BytePath to = folder.Join(NewName(form));
        await visit.Jobs.RenameAsync(visit.Account, folder.Join(Names(form)[0]), to, visit.Cancellation);
        visit.ShowFolder(folder, "renamed");
    }

    /// <summary>Removes entries. The first failure ends it; the message says how many are removed.</summary>
    public static async Task DeleteAsync(Visit visit)
    {
        IFormCollection form = await visit.ReadFormAsync();
        BytePath folder = Folder(visit, form);
        int removed = 0;
        foreach (byte[] name in Names(form))
        {
            try
            {
                await visit.Jobs.RemoveAsync(visit.Account, folder.Join(name), visit.Cancellation);
                removed++;
            }
            catch (FileProblem problem) when (removed > 0 && !problem.IsRefusal)
            {
                throw FileProblem.Of(problem.Status, FormattableString.Invariant($"{problem.Message}. Deleted before: {removed}"));
            }
        }

        visit.ShowFolder(folder, "deleted", removed);
    }

    private static BytePath Folder(Visit visit, IFormCollection form)
    {
        if (!BytePath.TryParse(form["d"], out BytePath? folder))
            throw FileProblem.Of(400, "The form has no folder");
        visit.Http.Items[Responses.FolderOfForm] = folder;
        return folder;
    }

    private static List<byte[]> Names(IFormCollection form)
    {
        var names = new List<byte[]>();
        foreach (string? encoded in form["n"])
            names.Add(BytePath.TryParseName(encoded, out byte[]? name) ? name : throw FileProblem.Of(400, "The form has a wrong name"));
        return names.Count > 0 ? names : throw FileProblem.Of(400, "Select at least one entry");
    }

    private static byte[] NewName(IFormCollection form)
    {
        byte[] name = Encoding.UTF8.GetBytes(form["to"].ToString());
        return BytePath.IsName(name)
            ? name
            : throw FileProblem.Of(400, "This cannot be a name: it has 1 to 255 bytes, no slash, and is neither . nor ..");
    }
}
