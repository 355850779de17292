using Microsoft.Net.Http.Headers;
using PipeForkAs.Files.Html;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Sessions;

namespace PipeForkAs.Files.Endpoints;

/// <summary>All addresses of the page.</summary>
internal static class Routes
{
    /// <summary>Adds them.</summary>
    public static void MapPage(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            OwnSite.SetHeaders(http.Response.Headers);
            return next(http);
        });
        Entrance entrance = app.Services.GetRequiredService<Entrance>();
        if (app.Services.GetService<ProxyPeer>() is null)
        {
            SignInEndpoints signIn = app.Services.GetRequiredService<SignInEndpoints>();
            app.MapGet("/sign-in", signIn.ShowAsync);
            app.MapPost("/sign-in", signIn.SignInAsync);
            app.MapPost("/sign-out", entrance.Signed(signIn.SignOutAsync));
        }

        app.MapGet("/", entrance.Signed(BrowseEndpoints.HomeAsync));
        app.MapGet("/files", entrance.Signed(BrowseEndpoints.HomeAsync));
        app.MapGet("/files/{**path:required}", entrance.Signed(BrowseEndpoints.BrowseAsync));
        app.MapGet("/download/{**path:required}", entrance.Signed(DownloadEndpoints.DownloadAsync, isTransfer: true));
        app.MapGet("/image/{**path:required}", entrance.Signed(DownloadEndpoints.ImageAsync, isTransfer: true));
        app.MapGet("/archive/{**path:required}", entrance.Signed(DownloadEndpoints.ArchiveAsync, isTransfer: true));
        app.MapPost("/upload/{**path:required}", entrance.Signed(UploadEndpoint.UploadAsync, isTransfer: true));
        app.MapPost("/folder", entrance.Signed(ChangeEndpoints.CreateFolderAsync));
        app.MapPost("/select", entrance.Signed(ChangeEndpoints.SelectAsync));
        app.MapPost("/rename", entrance.Signed(ChangeEndpoints.RenameAsync));
        app.MapPost("/delete", entrance.Signed(ChangeEndpoints.DeleteAsync));
        foreach (Asset asset in Asset.All)
            app.MapGet(asset.Path, http => SendAsync(http, asset));
        app.MapFallback(entrance.Signed(_ => throw FileProblem.Of(404, "There is no such page")));
    }

    private static async Task SendAsync(HttpContext http, Asset asset)
    {
        http.Response.ContentType = asset.Type;
        http.Response.ContentLength = asset.Content.Length;
        http.Response.Headers[HeaderNames.CacheControl] = "public, max-age=31536000, immutable";
        await http.Response.Body.WriteAsync(asset.Content, http.RequestAborted);
    }
}
