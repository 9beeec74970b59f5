# Run inside the image that has everything: what only whiteouts, and changes of type, can say.
cd /torture
rm size-0 soft fifo 'a=b'
rm -r many links
mkdir many && echo new > many/new
rm -r empty && echo file > empty
rm size-1 && mkdir size-1 && echo inside > size-1/inside
rm dangling && ln -s elsewhere dangling
chmod 600 mode-0644
chown 7:8 size-511
mv deep deeper
ln hard-b hard-d
rm -r directory-0500
printf 'more' >> size-513
