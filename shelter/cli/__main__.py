from shelter.cli import main

main()
